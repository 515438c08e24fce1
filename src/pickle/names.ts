/**
 * What Python 2 called the modules and functions of Python 3.
 *
 * Files of protocol 0 to 2 name `__builtin__.set` where Python 3 has `builtins.set`, and Python 3 translates
 * on reading. The values keep the names as written; ask here before comparing one with a known name.
 *
 * @see https://github.com/python/cpython/blob/3.13/Lib/_compat_pickle.py
 * @module
 */

/** Modules that were renamed. */
const MODULES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    __builtin__: 'builtins',
    copy_reg: 'copyreg',
    Queue: 'queue',
    SocketServer: 'socketserver',
    ConfigParser: 'configparser',
    repr: 'reprlib',
    tkFileDialog: 'tkinter.filedialog',
    tkSimpleDialog: 'tkinter.simpledialog',
    tkColorChooser: 'tkinter.colorchooser',
    tkCommonDialog: 'tkinter.commondialog',
    Dialog: 'tkinter.dialog',
    Tkdnd: 'tkinter.dnd',
    tkFont: 'tkinter.font',
    tkMessageBox: 'tkinter.messagebox',
    ScrolledText: 'tkinter.scrolledtext',
    Tkconstants: 'tkinter.constants',
    Tix: 'tkinter.tix',
    ttk: 'tkinter.ttk',
    Tkinter: 'tkinter',
    markupbase: '_markupbase',
    _winreg: 'winreg',
    thread: '_thread',
    dummy_thread: '_dummy_thread',
    dbhash: 'dbm.bsd',
    dumbdbm: 'dbm.dumb',
    dbm: 'dbm.ndbm',
    gdbm: 'dbm.gnu',
    xmlrpclib: 'xmlrpc.client',
    SimpleXMLRPCServer: 'xmlrpc.server',
    httplib: 'http.client',
    htmlentitydefs: 'html.entities',
    HTMLParser: 'html.parser',
    Cookie: 'http.cookies',
    cookielib: 'http.cookiejar',
    BaseHTTPServer: 'http.server',
    'test.test_support': 'test.support',
    commands: 'subprocess',
    urlparse: 'urllib.parse',
    robotparser: 'urllib.robotparser',
    urllib2: 'urllib.request',
    anydbm: 'dbm',
    _abcoll: 'collections.abc',
    cPickle: 'pickle',
    _elementtree: 'xml.etree.ElementTree',
    FileDialog: 'tkinter.filedialog',
    SimpleDialog: 'tkinter.simpledialog',
    DocXMLRPCServer: 'xmlrpc.server',
    SimpleHTTPServer: 'http.server',
    CGIHTTPServer: 'http.server',
    UserDict: 'collections',
    UserList: 'collections',
    UserString: 'collections',
    whichdb: 'dbm',
    StringIO: 'io',
    cStringIO: 'io',
  }),
);

/** Names of the module `exceptions` that moved to `builtins` unchanged. */
const EXCEPTIONS =
  'ArithmeticError AssertionError AttributeError BaseException BufferError BytesWarning DeprecationWarning ' +
  'EOFError EnvironmentError Exception FloatingPointError FutureWarning GeneratorExit IOError ImportError ' +
  'ImportWarning IndentationError IndexError KeyError KeyboardInterrupt LookupError MemoryError NameError ' +
  'NotImplementedError OSError OverflowError PendingDeprecationWarning ReferenceError RuntimeError RuntimeWarning ' +
  'StopIteration SyntaxError SyntaxWarning SystemError SystemExit TabError TypeError UnboundLocalError ' +
  'UnicodeDecodeError UnicodeEncodeError UnicodeError UnicodeTranslateError UnicodeWarning UserWarning ValueError ' +
  'Warning ZeroDivisionError';

/** Names that moved or changed by themselves, whatever became of their module; a space stands between module and name. */
const NAMES = {
  '__builtin__ xrange': 'builtins range',
  '__builtin__ reduce': 'functools reduce',
  '__builtin__ intern': 'sys intern',
  '__builtin__ unichr': 'builtins chr',
  '__builtin__ unicode': 'builtins str',
  '__builtin__ long': 'builtins int',
  'itertools izip': 'builtins zip',
  'itertools imap': 'builtins map',
  'itertools ifilter': 'builtins filter',
  'itertools ifilterfalse': 'itertools filterfalse',
  'itertools izip_longest': 'itertools zip_longest',
  'UserDict IterableUserDict': 'collections UserDict',
  'UserList UserList': 'collections UserList',
  'UserString UserString': 'collections UserString',
  'whichdb whichdb': 'dbm whichdb',
  '_socket fromfd': 'socket fromfd',
  '_multiprocessing Connection': 'multiprocessing.connection Connection',
  'multiprocessing.process Process': 'multiprocessing.context Process',
  'multiprocessing.forking Popen': 'multiprocessing.popen_fork Popen',
  'urllib ContentTooShortError': 'urllib.error ContentTooShortError',
  'urllib getproxies': 'urllib.request getproxies',
  'urllib pathname2url': 'urllib.request pathname2url',
  'urllib quote_plus': 'urllib.parse quote_plus',
  'urllib quote': 'urllib.parse quote',
  'urllib unquote_plus': 'urllib.parse unquote_plus',
  'urllib unquote': 'urllib.parse unquote',
  'urllib url2pathname': 'urllib.request url2pathname',
  'urllib urlcleanup': 'urllib.request urlcleanup',
  'urllib urlencode': 'urllib.parse urlencode',
  'urllib urlopen': 'urllib.request urlopen',
  'urllib urlretrieve': 'urllib.request urlretrieve',
  'urllib2 HTTPError': 'urllib.error HTTPError',
  'urllib2 URLError': 'urllib.error URLError',
  'multiprocessing AuthenticationError': 'multiprocessing.context AuthenticationError',
  'multiprocessing BufferTooShort': 'multiprocessing.context BufferTooShort',
  'multiprocessing ProcessError': 'multiprocessing.context ProcessError',
  'multiprocessing TimeoutError': 'multiprocessing.context TimeoutError',
  '__builtin__ basestring': 'builtins str',
  'exceptions StandardError': 'builtins Exception',
  'UserDict UserDict': 'collections UserDict',
  'socket _socketobject': 'socket SocketType',
};

const MOVED = movedNames();

/** A class or function by its module and its name there. */
export interface PythonName {
  /** Module, dots included. */
  readonly module: string;
  /** Name in the module. */
  readonly name: string;
}

/**
 * The names of Python 3 for a class or function, as Python 3 finds them in files of protocol 0 to 2; the same
 * where nothing was renamed. Constant time, however long the names are.
 */
export function python3Name({ module, name }: PythonName): PythonName {
  return MOVED.get(module)?.get(name) ?? { module: MODULES.get(module) ?? module, name };
}

function movedNames(): ReadonlyMap<string, ReadonlyMap<string, PythonName>> {
  const moved = new Map<string, Map<string, PythonName>>();
  const add = (from: PythonName, to: PythonName): void => {
    const names = moved.get(from.module) ?? new Map<string, PythonName>();
    moved.set(from.module, names.set(from.name, to));
  };
  for (const [from, to] of Object.entries(NAMES)) add(splitName(from), splitName(to));
  for (const name of EXCEPTIONS.split(' ')) add({ module: 'exceptions', name }, { module: 'builtins', name });
  return moved;
}

function splitName(text: string): PythonName {
  const space = text.indexOf(' ');
  return { module: text.slice(0, space), name: text.slice(space + 1) };
}
