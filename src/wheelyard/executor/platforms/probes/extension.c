/* An extension module of any Python 3. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject *works(PyObject *self, PyObject *nothing) {
    (void)self;
    (void)nothing;
    return PyUnicode_FromFormat("it works, Python %s", PY_VERSION);
}

static PyMethodDef functions[] = {
    {"works", works, METH_NOARGS, "Say that it works."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "wheelyard_probe", NULL, -1, functions, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_wheelyard_probe(void) { return PyModule_Create(&definition); }
