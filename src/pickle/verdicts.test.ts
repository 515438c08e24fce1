import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { FIXTURES } from '../testing/fixtures.js';
import { ALLOWED_GROUPS } from './allowed-names.js';
import { type GlobalVerdict, judgeGlobal } from './verdicts.js';

const TORCH = JSON.parse(readFileSync(join(FIXTURES, 'torch-weights-only-globals.json'), 'utf8')) as {
  names: string[];
};

/** The verdict on a name whose last part has no dot. */
function judge(path: string): GlobalVerdict {
  const dot = path.lastIndexOf('.');
  return judgeGlobal({ module: path.slice(0, dot), name: path.slice(dot + 1) });
}

const ALL_ALLOWED = ALLOWED_GROUPS.flatMap(({ names }) =>
  Object.entries(names).flatMap(([module, list]) => list.split(' ').map((name) => `${module}.${name}`)),
);

describe('judgeGlobal', () => {
  it('allows every name that torch.load(weights_only=True) accepts', () => {
    expect(TORCH.names.length).toBeGreaterThan(100);
    const others = TORCH.names.filter((name) => judge(name).class !== 'tensor-machinery' || !judge(name).weightsOnly);
    expect(others).toEqual([]);
  });

  it('says of no other name that PyTorch accepts it, but for the parts of a DTensor', () => {
    const claimed = ALL_ALLOWED.filter((name) => judge(name).weightsOnly && !TORCH.names.includes(name));
    expect(claimed.sort()).toEqual([
      'torch.distributed.tensor.DTensor',
      'torch.distributed.tensor._dtensor_spec.DTensorSpec',
      'torch.distributed.tensor.placement_types.Shard',
    ]);
  });

  it('allows each name once', () => {
    expect(ALL_ALLOWED.filter((name, index) => ALL_ALLOWED.indexOf(name) !== index)).toEqual([]);
  });

  it.each(['argparse.Namespace', 'builtins.frozenset', 'collections.deque', 'pathlib.PosixPath', 'datetime.date'])(
    'calls %s harmless, and says that PyTorch refuses it',
    (name) => {
      expect(judge(name)).toMatchObject({ class: 'harmless', weightsOnly: false });
    },
  );

  it.each([
    ['posix.system', 'runs a shell command'],
    ['nt.system', 'runs a shell command'],
    ['os.execv', 'reaches the operating system: programs, files, environment'],
    ['os.path.exists', 'reaches the operating system: programs, files, environment'],
    ['builtins.eval', 'runs a Python expression'],
    ['builtins.exec', 'runs Python code'],
    ['builtins.getattr', 'takes any attribute of anything, from which everything else can be reached'],
    ['builtins.__import__', 'imports a module, which runs it'],
    ['subprocess.Popen', 'starts a program'],
    ['asyncio.unix_events._UnixSubprocessTransport', 'starts programs'],
    ['runpy.run_path', 'imports and runs modules'],
    ['socket.create_connection', 'opens network connections'],
    ['urllib.request.urlopen', 'opens network connections'],
    ['shutil.rmtree', 'reads and writes files'],
    ['torch.load', 'loads another pickle, which may run anything'],
    ['torch.storage._load_from_bytes', 'loads another pickle, which may run anything'],
    ['torch.hub.load', 'downloads code and runs it'],
    ['torch.jit.load', 'compiles and runs code'],
    ['numpy.testing._private.utils.runstring', 'runs code given as text'],
    ['numpy.core._ufunc_reconstruct', 'imports any module and takes anything from it'],
    ['functools.partial', 'calls any function'],
    ['operator.attrgetter', 'takes attributes and calls methods of anything'],
    ['webbrowser.open', 'opens a web browser'],
    ['pip.main', 'installs packages, which runs their code'],
    ['types.CodeType', 'builds functions from bytecode'],
  ])('calls %s dangerous: %s', (name, reason) => {
    expect(judge(name)).toEqual({ class: 'dangerous', reason, weightsOnly: false });
  });

  it.each([
    '__builtin__.eval',
    'commands.getoutput',
    'urllib2.urlopen',
    'thread.start_new_thread',
    '__builtin__.apply',
  ])('sees through the name %s of Python 2', (name) => {
    expect(judge(name).class).toBe('dangerous');
  });

  it.each(['__builtin__.set', 'copy_reg._reconstructor', 'exceptions.ValueError', '__builtin__.long'])(
    'allows %s as Python 3 reads it',
    (name) => {
      expect(['tensor-machinery', 'harmless']).toContain(judge(name).class);
    },
  );

  it.each([
    ['torch.serialization', 'os.system'],
    ['torch', 'serialization.os.popen'],
    ['numpy', 'sys.modules'],
    ['collections', 'OrderedDict.__init__.__globals__'],
    ['collections', '_sys'],
    ['transformers.utils', 'subprocess'],
    ['torch', 'hub.load'],
  ])('does not let a walk through attributes pass: %s and %s', (module, name) => {
    expect(['dangerous', 'unknown']).toContain(judgeGlobal({ module, name }).class);
  });

  it('finds the danger at the end of such a walk', () => {
    expect(judgeGlobal({ module: 'torch.serialization', name: 'os.system' }).reason).toBe('runs a shell command');
    expect(judgeGlobal({ module: 'torch', name: 'hub.load' }).reason).toBe('downloads code and runs it');
    expect(judgeGlobal({ module: 'x', name: 'y.__globals__' }).reason).toBe('reaches into the interpreter');
  });

  it('does not mistake a name with a dot for a name in a module of that name', () => {
    expect(judgeGlobal({ module: 'torch', name: '_utils._rebuild_tensor_v2' }).class).toBe('unknown');
    expect(judgeGlobal({ module: 'torch._utils', name: '_rebuild_tensor_v2' }).class).toBe('tensor-machinery');
    expect(judgeGlobal({ module: 'torch FloatStorage', name: '' }).class).toBe('unknown');
  });

  it.each(['mylib.Model', 'torch.nn.modules.linear.Linear', 'torch.WeirdStorage', 'oss.system', 'torch.floatX', 'a.b'])(
    'never takes the unknown %s for safe',
    (name) => {
      expect(judge(name).class).toBe('unknown');
    },
  );

  it('takes a module of the same name inside a package for what it is', () => {
    expect(judge('mylib.code.Block').class).toBe('unknown');
  });

  it('judges names of any length and any number of dots', () => {
    const long = 'a.'.repeat(200);
    expect(judgeGlobal({ module: long, name: long }).class).toBe('unknown');
    expect(judgeGlobal({ module: '', name: '' }).class).toBe('unknown');
  });
});
