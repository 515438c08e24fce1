/**
 * The scripts of `examples/cluster`, without a cluster: what a scheduler would do is done by a stand-in, and what comes out
 * is compared with one run.
 *
 * @module
 */
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';

import { PROJECT, builtFile } from '../src/testing/built.js';
import { temporaryFolder } from '../src/testing/cli.js';
import { modelFolder } from '../src/testing/fixtures.js';

const CLUSTER = join(PROJECT, 'examples/cluster');
const SOURCE = modelFolder('llama3.2-tiny');
const OPTIONS = '--to safetensors --max-shard-size 500KB';

let programs = '';
let one = '';
let output = '';

/** What a node has, our program and Slurm's `srun`, and the output of one run. */
async function prepare(): Promise<void> {
  const place = temporaryFolder();
  [programs, one, output] = [join(place, 'bin'), join(place, 'one'), join(place, 'output')];
  mkdirSync(programs);
  program('llama-inspect', `exec '${process.execPath}' '${builtFile('cli/main.js')}' "$@"`);
  program('srun', 'exec "$@"');
  await run(['llama-inspect', 'convert', SOURCE, '--output', one, ...OPTIONS.split(' ')], {});
}

function program(name: string, body: string): void {
  writeFileSync(join(programs, name), `#!/usr/bin/env bash\n${body}\n`);
  chmodSync(join(programs, name), 0o755);
}

async function run([file = '', ...argv]: readonly string[], variables: Record<string, string>): Promise<string> {
  const path = `${programs}${delimiter}${process.env['PATH'] ?? ''}`;
  const env = { ...process.env, ...variables, PATH: path };
  const { stdout } = await promisify(execFile)(file === 'llama-inspect' ? join(programs, file) : file, argv, { env });
  return stdout;
}

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

/** The files of a folder with their hashes. */
const contents = (folder: string): Map<string, string> =>
  new Map(readdirSync(folder).map((name) => [name, sha256(join(folder, name))]));

describe('submit.sh', () => {
  it('is bash, as is what it submits', () => {
    for (const name of ['submit.sh', 'convert.sbatch']) execFileSync('bash', ['-n', join(CLUSTER, name)]);
  });

  it('has every part written at the same time, and the rest after them', async () => {
    await prepare();
    // runs an array's tasks side by side and the dependent job when they have succeeded, and answers as sbatch does
    program(
      'sbatch',
      `set -euo pipefail
       echo "$*" >>'${programs}/submitted'
       script=\${!#}
       case "$*" in
         *--array=1-*)
           count=$(sed -E 's/.*--array=1-([0-9]+).*/\\1/' <<<"$*")
           pids=()
           for task in $(seq "$count"); do
             SLURM_ARRAY_TASK_ID=$task SLURM_ARRAY_TASK_COUNT=$count bash "$script" >&2 & pids+=($!)
           done
           for pid in "\${pids[@]}"; do wait "$pid"; done
           echo '4711;cluster' ;;
         *--dependency=afterok:4711\\ *) bash "$script" ;;
         *) exit 64 ;;
       esac`,
    );
    const variables = { SOURCE, OUTPUT: output, OPTIONS, PARTS: '3' };
    const stdout = await run(['bash', join(CLUSTER, 'submit.sh')], variables);
    expect(stdout).toContain(`finished ${output}`);
    expect(contents(output)).toEqual(contents(one));
    expect(readFileSync(join(programs, 'submitted'), 'utf8').split('\n')).toHaveLength(3);
  });
});

/** As much of a Job as is run here. */
interface Job {
  readonly kind: string;
  readonly apiVersion: string;
  readonly spec: {
    readonly completionMode?: string;
    readonly completions?: number;
    readonly suspend?: boolean;
    readonly template: {
      readonly spec: {
        readonly restartPolicy: string;
        readonly containers: readonly [
          {
            readonly command: readonly string[];
            readonly envFrom: readonly [{ readonly configMapRef: { readonly name: string } }];
            readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
          },
        ];
        readonly volumes: readonly { readonly name: string }[];
      };
    };
  };
}

describe('kubernetes.yaml', () => {
  const documents = parseAllDocuments(readFileSync(join(CLUSTER, 'kubernetes.yaml'), 'utf8'));
  const [map, parts, finish] = documents.map((document) => document.toJS() as unknown) as [
    { readonly kind: string; readonly metadata: { readonly name: string }; readonly data: Record<string, string> },
    Job,
    Job,
  ];

  it('is a map of settings, a Job of parts and one that waits', () => {
    expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
    expect([map.kind, parts.kind, finish.kind]).toEqual(['ConfigMap', 'Job', 'Job']);
    expect(Object.values(map.data).every((value) => typeof value === 'string')).toBe(true);
    expect([parts.spec.completionMode, finish.spec.suspend]).toEqual(['Indexed', true]);
    expect(parts.spec.completions).toBe(Number(map.data['PARTS']));
    for (const job of [parts, finish]) {
      const { containers, volumes, restartPolicy } = job.spec.template.spec;
      expect([job.apiVersion, restartPolicy]).toEqual(['batch/v1', 'Never']);
      expect(containers[0].envFrom).toEqual([{ configMapRef: { name: map.metadata.name } }]);
      expect(containers[0].volumeMounts.map(({ name }) => name)).toEqual(volumes.map(({ name }) => name));
      const mounts = containers[0].volumeMounts.map(({ mountPath }) => `${mountPath}/`);
      for (const key of ['SOURCE', 'OUTPUT'])
        expect(mounts.some((mount) => map.data[key]?.startsWith(mount))).toBe(true);
    }
  });

  it('has every part written, whichever pod comes first, and the rest after them', async () => {
    await prepare();
    const variables = { ...map.data, SOURCE, OUTPUT: output, OPTIONS };
    const commandOf = (job: Job): readonly string[] => job.spec.template.spec.containers[0].command;
    const indices = Array.from({ length: parts.spec.completions ?? 0 }, (_, index) => String(index));
    await Promise.all(indices.map((index) => run(commandOf(parts), { ...variables, JOB_COMPLETION_INDEX: index })));
    // a pod that is lost after its work is started again, and finds it done
    const again = await run(commandOf(parts), { ...variables, JOB_COMPLETION_INDEX: '0' });
    expect(again).toContain('is there already, nothing was written');
    await run(commandOf(finish), variables);
    expect(contents(output)).toEqual(contents(one));
  });
});
