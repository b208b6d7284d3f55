/* The shortest way from Python into a compiled convolution: an object that holds the function and its problem, called by
   Python's vectorcall protocol (PEP 590), with the output as its only argument or none where it writes into one buffer.

   bind(function, problem, kept, output) takes both addresses as integers; `kept` is whatever must live as long, `output`
   the one buffer or None. The interpreter's lock is not released: a call is meant to be short. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>

typedef void function_type(const void *problem, void *output);

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    function_type *function;
    const void *problem;
    PyObject *kept, *output;
    Py_buffer buffer; /* of `output` */
} Bound;

static PyObject *call_bound(PyObject *self, PyObject *const *arguments, size_t count, PyObject *names)
{
    Bound *bound = (Bound *)self;
    if ((names && PyTuple_GET_SIZE(names)) || PyVectorcall_NARGS(count) != (bound->output == Py_None)) {
        PyErr_SetString(PyExc_TypeError, "give the output as the only argument, or none where there is one buffer");
        return NULL;
    }
    if (bound->output != Py_None) {
        bound->function(bound->problem, bound->buffer.buf);
        return Py_NewRef(bound->output);
    }
    Py_buffer buffer;
    if (PyObject_GetBuffer(arguments[0], &buffer, PyBUF_WRITABLE) < 0)
        return NULL;
    bound->function(bound->problem, buffer.buf);
    PyBuffer_Release(&buffer);
    return Py_NewRef(arguments[0]);
}

static void forget(PyObject *self)
{
    Bound *bound = (Bound *)self;
    PyBuffer_Release(&bound->buffer);
    Py_XDECREF(bound->kept);
    Py_XDECREF(bound->output);
    Py_TYPE(self)->tp_free(self);
}

static PyTypeObject bound_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "caller.Bound",
    .tp_basicsize = sizeof(Bound),
    .tp_dealloc = forget,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_vectorcall_offset = offsetof(Bound, vectorcall),
    .tp_call = PyVectorcall_Call,
    .tp_doc = "A compiled function with its problem.",
};

static PyObject *bind(PyObject *module, PyObject *arguments)
{
    PyObject *function, *problem, *kept, *output;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "OOOO", &function, &problem, &kept, &output))
        return NULL;
    void *const function_address = PyLong_AsVoidPtr(function), *const problem_address = PyLong_AsVoidPtr(problem);
    if (PyErr_Occurred())
        return NULL;
    Bound *bound = PyObject_New(Bound, &bound_type);
    if (!bound)
        return NULL;
    bound->vectorcall = call_bound;
    bound->function = (function_type *)function_address;
    bound->problem = problem_address;
    bound->kept = Py_NewRef(kept);
    bound->output = Py_NewRef(output);
    bound->buffer = (Py_buffer){0};
    if (output != Py_None && PyObject_GetBuffer(output, &bound->buffer, PyBUF_WRITABLE) < 0) {
        Py_DECREF(bound);
        return NULL;
    }
    return (PyObject *)bound;
}

static PyMethodDef methods[] = {
    {"bind", bind, METH_VARARGS, "Hold a function and its problem, to be called with an output."},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "caller", .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC PyInit_caller(void)
{
    if (PyType_Ready(&bound_type) < 0)
        return NULL;
    return PyModule_Create(&definition);
}
