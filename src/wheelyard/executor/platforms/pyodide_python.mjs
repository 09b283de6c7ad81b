// Python of the target, in Node: `node python.mjs PACKAGE ARGUMENTS…`.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, ...args] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(join(folder, "pyodide.mjs")));
const own = new Set(["dev", "lib", "lib64", "proc", "sys"]);

function mount(FS) {
  for (const name of readdirSync("/")) {
    const place = `/${name}`;
    if (own.has(name) || !statSync(place, { throwIfNoEntry: false })?.isDirectory()) continue;
    FS.mkdirTree(place);
    FS.mount(FS.filesystems.NODEFS, { root: place }, place);
  }
  FS.chdir(process.cwd());
}

const env = { ...process.env, PYTHONINSPECT: "" };
let code = 1;
try {
  const python = await loadPyodide({ args, env, fullStdLib: false, fsInit: mount });
  code = python._module._run_main();
} catch (error) {
  code = error.status ?? error.exitcode ?? 1;
  if (error.name !== "ExitStatus" && error.name !== "Exit") console.error(error);
}
process.exit(code);
