// @ts-check
/**
 * The words of docs/performance.md, around the tables: what limits each part, found by profiles, and how to read it.
 *
 * @module
 */

/**
 * A part of the page: what stands above its table and below.
 *
 * @typedef {object} PagePart
 * @property {string} section - of the benchmark, whose rows the table has
 * @property {string} title
 * @property {string} before
 * @property {string} after
 */

/** @type {readonly PagePart[]} */
export const PAGE_PARTS = [
  {
    section: 'converting',
    title: 'A whole checkpoint',
    before: 'The 2.5 GB of Llama 3.2 1B in one `.pth`, read from the page cache.',
    after: `A conversion flushes its output to the disk before it shows it, which \`cp\` does not, so \`cp\` followed by \`sync\` is the
fair comparison; both are here. PyTorch's row counts its import and a flush; it keeps Meta's names and the order of rows,
which ours changes on the way. A lock file costs two SHA-256 over everything, of what is read and of what is written:
\`--no-lock\` leaves it out.

Memory does not grow with the checkpoint: rows are read in blocks of 1 MiB, one block ahead. What there is beside Node's
own 40 MB is the vocabulary (128,256 tokens and 280,147 merges) and blocks that wait for the garbage collector.

A lock file over a cast that rounds (BF16 to F16) is dear: each value is hashed in the narrowest type that holds it, which
plain TypeScript finds, 20 s of it. The same cast without a lock file takes a second.`,
  },
  {
    section: 'hashing',
    title: 'Checksums',
    before: '`verify` of the same file, and of the same model in four files of equal size, all of it on one core.',
    after: `One MD5 is one chain of additions, each of which waits for the one before, so one file is bound by one core at some
0.7 GB/s whatever the program; reading goes on beside it. Several files are hashed at the same time, on all cores, and
where there are more files than threads, several in each: up to five by chains that take turns, from six on in eight lanes
of 128 bits.`,
  },
  {
    section: 'headers',
    title: 'Headers only',
    before: 'What is left to do where no weight is read. Node takes most of it to start and to load modules.',
    after: '',
  },
  {
    section: 'opening',
    title: 'Large in one way',
    before: `\`bench/make-archives.mjs\` makes the files; no PyTorch is needed. _Warm_ is in a process that has opened the file
before; the other columns are of a process that does nothing else.`,
    after: `Opening a GGUF file leaves its strings in the file until they are asked for; @huggingface/gguf reads them all, so both of
ours are here. yauzl keeps no list, so it needs less memory.

Where the garbage collector stays away, parsing the pickle of 10,000 tensors takes an eighth of what it takes in turns with
everything else: each tensor is some ten values of 867 bytes together, and every one of them outlives the young
generation, which copies it twice (\`node --trace-gc\`). The same holds for opening 65,600 tensors.

A storage of more than 4 GiB reads with the right hash: \`torch.save\` of PyTorch 2.13 wrote one of 4,572,975,104 bytes, and
\`llama-inspect tensors --hash sha256\` gives \`52ce7040…bb25\`, as Python's \`hashlib\` over the same memory does.`,
  },
  {
    section: 'kernels',
    title: 'Quantizing',
    before: `One thread, 4.2 MB of float32, in seconds of the processor, in turns with \`ggml_quantize_chunk\` of the library inside
node-llama-cpp. That the bytes are equal is checked in every round. Ours include the copies into the kernels' memory and out
of it.`,
    after: '',
  },
  {
    section: 'quantized-files',
    title: 'Whole quantized files',
    before: 'The same checkpoint of 2.5 GB, quantized on all processors, without a lock file.',
    after: `To \`q8_0\` is bound by reading, writing and flushing as much as by the kernels; the K types by the kernels. gguf-py's row
reads with PyTorch, quantizes with NumPy, keeps Meta's names, and has no vocabulary to write.`,
  },
  {
    section: 'tokenizing',
    title: 'Tokenizing',
    before: `A megabyte of English text (this project's pages), in turns with js-tiktoken and the same ranks, seconds of the processor;
that the ids are equal is checked first. Needs the tokenizers that Meta published.`,
    after: '',
  },
  {
    section: 'forward',
    title: 'The forward pass',
    before: `32 tokens through the 1B checkpoint (79 GFLOP of matrix products), streamed from the file, each pass in a process of its
own; TypeScript runs once.`,
    after: `A profile of 2026-11-29, one thread, 3 s in all: the products take 1.7 s (47 GFLOP/s), unpacking bfloat16 0.4 s, reading
0.5 s, copying weights into the kernels' memory and products out of it 0.3 s, and attention, norms and activations in
TypeScript 0.25 s, so those stay where they are. In memory and with 32 tokens, products with copies in and out reach 34 to
38 GFLOP a second of the processor from float32, float16, bfloat16, Q4_0, Q8_0 and Q4_K, and 25 to 28 from Q5_K and Q6_K,
whose bits take longer to gather; one token by itself reaches 1.5 to 5, as it fills one lane of four. The loop that is not
unrolled is the fastest: 46 GFLOP/s against 30 with two steps a turn and 27 with four, which no longer fit the registers.

\`check\` also compares every weight of the two files before it runs them: its row is the whole command. That takes some 3 s
of the processor, 1.3 s of it the system's reading and the rest unpacking both sides into float32 and adding up.`,
  },
  {
    section: 'size',
    title: 'Eight times as large',
    before: 'The same commands on the shapes of Llama 3.2 1B (2.5 GB) and 3.1 8B (16 GB).',
    after: '',
  },
];

/** How to run it. */
export const HOW_TO_RUN = `## Running it

    npm run bench                 # 10 minutes, 10 GB of disk
    npm run bench -- --full       # also 8B: half an hour, 40 GB
    npm run bench -- --publish    # writes this page and the figures behind it

Python 3 measures the processes. What of the others is not installed is named in the tables. The files that are
measured on are made once, by \`bench/make-checkpoint.mjs\`, which also makes larger ones:

    node bench/make-checkpoint.mjs /tmp/Llama3.1-70B --like llama-3.1-70b --sparse --no-checklist

is a folder of 141 GB on paper and 42 MB on disk, whose matrices are holes. With a list, whose checksums are right for the
zeros, it takes some minutes, as MD5 has to be computed over all of them.
`;
