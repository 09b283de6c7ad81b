//! Writes what maturin declares to cffi; it is compiled for the build machine and runs there.

fn main() {
    std::fs::create_dir_all("target").expect("a folder");
    std::fs::write("target/header.h", "int add(int a, int b);\n").expect("a header");
}
