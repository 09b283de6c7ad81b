// Takes the C++ library, and an exception: its unwinding is what a half-fitting runtime fails at.
#include <iostream>
#include <stdexcept>
#include <string>

int main() {
    try {
        throw std::runtime_error(std::string("it works, C++ ") + std::to_string(__cplusplus / 100));
    } catch (const std::exception &caught) {
        std::cout << caught.what() << std::endl;
        return 0;
    }
}
