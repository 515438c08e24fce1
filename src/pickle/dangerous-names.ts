/**
 * Names that make a pickle a weapon, with what each can do.
 *
 * This list decides nothing: whatever is not allowed is a finding, known here or not. It only tells a person
 * how bad the finding is. A whole module is named where anything in it would do.
 *
 * @see https://docs.python.org/3/library/pickle.html (the warning at its beginning)
 * @module
 */

const NETWORK = 'opens network connections';
const FILES = 'reads and writes files';
const IMPORTS = 'imports and runs modules';
const PROGRAMS = 'starts programs';
const UNPICKLES = 'loads another pickle, which may run anything';
const PACKAGES = 'installs packages, which runs their code';
const DEBUGS = 'runs code given as text';
const COMPILES = 'compiles and runs code';

/** What the contents of a module can do, for modules and everything below them. */
export const DANGEROUS_MODULES: Readonly<Record<string, string>> = {
  os: 'reaches the operating system: programs, files, environment',
  posix: 'reaches the operating system: programs, files, environment',
  nt: 'reaches the operating system: programs, files, environment',
  ...reasonFor(
    PROGRAMS,
    'subprocess _posixsubprocess _winapi pty popen2 commands multiprocessing concurrent pexpect sh',
  ),
  ...reasonFor(
    PROGRAMS,
    'fabric invoke plumbum psutil asyncio platform uu torch.multiprocessing torch.utils.collect_env',
  ),
  ...reasonFor('starts threads', 'threading _thread'),
  ...reasonFor('changes the running interpreter', 'sys gc inspect atexit signal faulthandler site sysconfig'),
  ...reasonFor(IMPORTS, 'importlib imp _imp _frozen_importlib _frozen_importlib_external zipimport pkgutil runpy'),
  ...reasonFor(IMPORTS, 'pkg_resources logging.config transformers.dynamic_module_utils torch.package'),
  ...reasonFor(UNPICKLES, 'pickle _pickle cPickle pickletools dill cloudpickle joblib shelve marshal jsonpickle'),
  ...reasonFor(UNPICKLES, 'pandas.io torch.distributed.rpc'),
  ...reasonFor(DEBUGS, 'code codeop bdb pdb cProfile profile trace timeit doctest pydoc unittest test lib2to3 idlelib'),
  ...reasonFor(DEBUGS, 'IPython numpy.testing numpy.f2py numpy.distutils pandas.core.computation jinja2 yaml'),
  ...reasonFor(COMPILES, 'torch.fx torch._dynamo torch._inductor torch.jit torch.onnx torch.utils.cpp_extension'),
  ...reasonFor(COMPILES, 'torch.utils._config_module torch.utils.bottleneck torch.testing'),
  ...reasonFor(PACKAGES, 'pip ensurepip setuptools distutils venv'),
  ...reasonFor('calls functions of the machine, at any address', 'ctypes _ctypes cffi numpy.ctypeslib'),
  ...reasonFor('loads libraries of machine code', 'torch.ops torch._ops torch.classes torch.library'),
  ...reasonFor(
    NETWORK,
    'socket _socket ssl _ssl socketserver http urllib urllib2 urllib3 httplib ftplib smtplib poplib',
  ),
  ...reasonFor(NETWORK, 'imaplib nntplib telnetlib xmlrpc requests httpx aiohttp paramiko boto3 huggingface_hub'),
  ...reasonFor('opens a web browser', 'webbrowser antigravity'),
  ...reasonFor('downloads code and runs it', 'torch.hub'),
  ...reasonFor('downloads files and unpickles them', 'torch.utils.model_zoo'),
  ...reasonFor(FILES, 'shutil tempfile glob fileinput linecache mmap fcntl zipfile tarfile gzip bz2 lzma sqlite3 dbm'),
  ...reasonFor(FILES, 'posixpath ntpath genericpath numpy.lib.npyio numpy.lib._datasource numpy.DataSource'),
};

/** What single names can do, where their module as a whole is no danger or another one. */
export const DANGEROUS_NAMES: Readonly<Record<string, string>> = {
  ...reasonFor('runs a shell command', 'os.system os.popen posix.system nt.system subprocess.getoutput'),
  ...reasonFor('runs a shell command', 'subprocess.getstatusoutput'),
  ...reasonFor('starts a program', 'subprocess.Popen subprocess.run subprocess.call subprocess.check_call'),
  ...reasonFor('starts a program', 'subprocess.check_output pty.spawn'),
  'builtins.eval': 'runs a Python expression',
  'builtins.exec': 'runs Python code',
  'builtins.execfile': 'runs a file of Python code',
  'builtins.compile': 'compiles Python code',
  'builtins.__import__': 'imports a module, which runs it',
  'builtins.reload': 'runs a module again',
  ...reasonFor('opens files', 'builtins.open builtins.file io.open io.open_code io.FileIO io.OpenWrapper codecs.open'),
  ...reasonFor('opens files', '_io.open _io.open_code _io.FileIO tokenize.open'),
  'builtins.getattr': 'takes any attribute of anything, from which everything else can be reached',
  ...reasonFor('changes any attribute of anything', 'builtins.setattr builtins.delattr'),
  ...reasonFor('reaches the variables of the program', 'builtins.globals builtins.locals builtins.vars'),
  ...reasonFor('asks the person at the terminal', 'builtins.input builtins.raw_input builtins.help'),
  ...reasonFor('ends or stops the program', 'builtins.exit builtins.quit builtins.breakpoint'),
  ...reasonFor('calls any function', 'builtins.map builtins.filter builtins.apply functools.partial functools.reduce'),
  ...reasonFor('calls any function', 'functools.partialmethod itertools.starmap itertools.accumulate operator.call'),
  ...reasonFor('calls any function', '_functools.partial _functools.reduce _operator.call weakref.finalize'),
  ...reasonFor('takes attributes and calls methods of anything', 'operator.attrgetter operator.methodcaller'),
  ...reasonFor('takes attributes and calls methods of anything', '_operator.attrgetter _operator.methodcaller'),
  ...reasonFor('builds functions from bytecode', 'types.CodeType types.FunctionType types.LambdaType builtins.type'),
  ...reasonFor('builds functions from bytecode', 'types.MethodType builtins.__build_class__'),
  ...reasonFor('changes how objects are unpickled', 'copyreg.add_extension copyreg.pickle copyreg.constructor'),
  ...reasonFor('loads another pickle, which may run anything', 'torch.load torch.serialization.load numpy.load'),
  ...reasonFor('loads another pickle, which may run anything', 'torch.storage._load_from_bytes pandas.read_pickle'),
  ...reasonFor(
    'loads another pickle, which may run anything',
    'torch.serialization._load torch.serialization._legacy_load',
  ),
  ...reasonFor('switches off the safe way of loading', 'torch.serialization.add_safe_globals'),
  ...reasonFor('writes a file', 'torch.save torch.serialization.save numpy.save numpy.savez numpy.savetxt'),
  ...reasonFor('reads a file', 'numpy.fromfile numpy.memmap numpy.core.memmap numpy._core.memmap numpy.loadtxt'),
  ...reasonFor('reads a file', 'numpy.genfromtxt torch.from_file torch._C._from_file'),
  ...reasonFor('compiles and runs code', 'torch.compile pandas.eval numpy.vectorize torch._C.import_ir_module'),
  ...reasonFor('imports any module and takes anything from it', 'numpy.core._ufunc_reconstruct'),
  ...reasonFor('imports any module and takes anything from it', 'numpy._core._ufunc_reconstruct'),
};

function reasonFor(reason: string, names: string): Record<string, string> {
  return Object.fromEntries(names.split(' ').map((name) => [name, reason]));
}
