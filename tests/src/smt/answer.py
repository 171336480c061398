"""Answers SMT-LIB scripts with cvc5: python3 answer.py FOLDER

FOLDER holds the libraries of cvc5. Standard input brings scripts, each ended by a line `;;;`; each is answered on
standard output by one line, what its commands print. Every script meets a new solver. Only the C interface is used, so
any Python 3 will do. A script that takes more than some seconds of the processor ends the program.
"""

import ctypes
import pathlib
import resource
import sys
import time

TEXT, POINTER = ctypes.c_char_p, ctypes.c_void_p
# What one script may take, in seconds of the processor: the solver's own bounds don't hold everywhere.
PATIENCE = 10


def load(folder):
    """The libraries; those that others need come first."""
    found = {}
    for name in ["libgmp-", "libmpfr-", "libpoly-", "libpolyxx-", "libcvc5-", "libcvc5parser-"]:
        (path,) = pathlib.Path(folder).glob(name + "*.so*")
        found[name] = ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
    return found["libcvc5-"], found["libcvc5parser-"]


def function(library, name, result, *arguments):
    """A function of a library with its types."""
    found = getattr(library, name)
    found.restype, found.argtypes = result, list(arguments)
    return found


def main():
    solver, parser = load(sys.argv[1])
    new_manager = function(solver, "cvc5_term_manager_new", POINTER)
    delete_manager = function(solver, "cvc5_term_manager_delete", None, POINTER)
    new_solver = function(solver, "cvc5_new", POINTER, POINTER)
    delete_solver = function(solver, "cvc5_delete", None, POINTER)
    set_option = function(solver, "cvc5_set_option", None, POINTER, TEXT, TEXT)
    new_parser = function(parser, "cvc5_parser_new", POINTER, POINTER, POINTER)
    delete_parser = function(parser, "cvc5_parser_delete", None, POINTER)
    symbols = function(parser, "cvc5_parser_get_sm", POINTER, POINTER)
    set_input = function(parser, "cvc5_parser_set_str_input", None, POINTER, ctypes.c_int, TEXT, TEXT)
    next_command = function(parser, "cvc5_parser_next_command", POINTER, POINTER, ctypes.POINTER(TEXT))
    invoke = function(parser, "cvc5_cmd_invoke", TEXT, POINTER, POINTER, POINTER)

    def answer(script):
        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + PATIENCE, most))
        manager = new_manager()
        one = new_solver(manager)
        set_option(one, b"strings-exp", b"true")
        # A bound on work, not on time.
        set_option(one, b"rlimit", b"3000000")
        reader = new_parser(one, None)
        set_input(reader, 0, script.encode(), b"script")
        said = []
        while True:
            error = TEXT()
            command = next_command(reader, ctypes.byref(error))
            if error.value:
                said.append("error: " + error.value.decode())
                break
            if not command:
                break
            said.append(invoke(command, one, symbols(reader)).decode().strip())
        delete_parser(reader)
        delete_solver(one)
        delete_manager(manager)
        return " ".join(" ".join(said).split())

    script = []
    for line in sys.stdin:
        if line.strip() == ";;;":
            print(answer("".join(script)), flush=True)
            script = []
        else:
            script.append(line)


main()
