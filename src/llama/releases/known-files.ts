/**
 * Hashes and sizes of published files, as far as they are known. Data, not code.
 *
 * A row has the file's name, its size, MD5 and SHA-256 (`-` where unknown), the evidence (see `release.ts`) and where it was
 * published: a thread on GitHub, a repository, `third-party` for notes in public code that name no thread, or
 * `fixtures/published`. `releases.test.ts` makes every small file that is
 * `recomputed` anew.
 *
 * @module
 */
import type { Evidence, KnownFile } from './release.js';

const TABLE = `
Llama-1-7B
  checklist.chk 100 af0068274b59ff5bccb4c874c01e886f 7935c843a25ae265d60bf4543b90bfd91c4911b728412b5c1d5cff42a3cd5645 recomputed shawwn/llama-dl#4
  params.json 101 7596560e011154b90eb51a1b15739763 7e89e242ddc0dd6f060b43ca219ce8b3e8f08959a72cb3c0855df8bb04d46265 recomputed shawwn/llama-dl#4
  consolidated.00.pth - 6efc8dab194ab59e49cd24be5574d85e 700df0d3013b703a806d2ae7f1bfb8e59814e3d06ae78be0c66368a50059f33d listed shawwn/llama-dl#4,ymcui/Chinese-LLaMA-Alpaca:SHA256.md

Llama-1-13B
  checklist.chk 154 fe7729bb1b38cc605f46dcbc2450a8e2 183eb00cea5c880fd88c296af1038f4c15dc26aa2ccb7c6cf2c35b9bb00dce45 inferred shawwn/llama-dl#4
  params.json 101 0171286599e0f8858893e49fb74b71f8 4ab77bec4d4405ccb66a97b282574c89a94417e3c32e5f68f37e2876fc21322f recomputed shawwn/llama-dl#4
  consolidated.00.pth - 0804c42ca65584f50234a86d71e6916a 745bf4e29a4dd6f411e72976d92b452da1b49168a4f41c951cfcc8051823cf08 reported shawwn/llama-dl#4,ymcui/Chinese-LLaMA-Alpaca:SHA256.md
  consolidated.01.pth - 016017be6040da87604f77703b92f2bc d5ccbcc465c71c0de439a5aeffebe8344c68a519bce70bc7f9f92654ee567085 reported shawwn/llama-dl#4,ymcui/Chinese-LLaMA-Alpaca:SHA256.md

Llama-1-30B
  checklist.chk 262 aec0408ba7f7905d5d39255927512975 e1d6c07bff756afa6d1f40665cb5e028aa993c4d761cdecffb0ff4cb51513fa6 inferred shawwn/llama-dl#4
  params.json 101 4babdbd05b8923226a9e9622492054b6 2c07118ea98d69dbe7810d88520e30288fa994751b337f8fca02b171955f44cb recomputed shawwn/llama-dl#4
  consolidated.00.pth - f856e9d99c30855d6ead4d00cc3a5573 - reported shawwn/llama-dl#4
  consolidated.01.pth - d9dbfbea61309dc1e087f5081e98331a - reported shawwn/llama-dl#4
  consolidated.02.pth - 2b2bed47912ceb828c0a37aac4b99073 - reported shawwn/llama-dl#4
  consolidated.03.pth - ea0405cdb5bc638fee12de614f729ebc 1adfcef71420886119544949767f6a56cb6339b4d5fcde755d80fe68b49de93b reported shawwn/llama-dl#4

Llama-1-65B
  checklist.chk 478 3fc3ef08e79a16becf367ad9d570d400 cfc27c8b98c3a9c02db876353adf3c9593608f014701cd248fd0dd84b1d60c7d inferred shawwn/llama-dl#4
  params.json 101 0306cf93a1c2c3891166fe1fd782c2b7 999ed1659b469ccc2a941714c0a9656fa571d17c9f7c8c7589817ca90edef51b recomputed ggml-org/llama.cpp#429
  consolidated.00.pth - 9deae67e2e7b5ccfb2c738f390c00854 135c563f6b3938114458183afb01adc9a63bef3d8ff7cccc3977e5d3664ecafe reported ggml-org/llama.cpp#429
  consolidated.01.pth - 0c4b00c30460c3818bd184ee949079ee 9a600b37b19d38c7e43809485f70d17d1dc12206c07efa83bc72bb498a568bde reported ggml-org/llama.cpp#429
  consolidated.02.pth - 847194df776dd38f8ae9ddcede8829a1 e7babf7c5606f165a3756f527cb0fedc4f83e67ef1290391e52fb1cce5f26770 reported ggml-org/llama.cpp#429
  consolidated.03.pth - 3b6c8adcb5654fd36abab3206b46a0f1 73176ffb426b40482f2aa67ae1217ef79fbbd1fff5482bae5060cdc5a24ab70e reported ggml-org/llama.cpp#429
  consolidated.04.pth - 68d61d1242597ad92616ec31b8cb6b4c 882e6431d0b08a8bc66261a0d3607da21cbaeafa96a24e7e59777632dbdac225 reported ggml-org/llama.cpp#429
  consolidated.05.pth - 7f71259eaee2b906aa405d8edf39925f a287c0dfe49081626567c7fe87f74cce5831f58e459b427b5e05567641f47b78 reported ggml-org/llama.cpp#429
  consolidated.06.pth - 0574e26b6891ab2cb0df7340d773fe9b 72b4eba67a1a3b18cb67a85b70f8f1640caae9b40033ea943fb166bd80a7b36b reported ggml-org/llama.cpp#429
  consolidated.07.pth - e5d9790df955270b836aec79462ead22 d27f5b0677d7ff129ceacd73fd461c4d06910ad7787cf217b249948c3f3bc638 reported ggml-org/llama.cpp#429

Llama-2-7b
  checklist.chk 100 a58bacfcc0cb49b220d068a451aaf3c2 5fe08165d353c59b3bf8b359aa470780a33a45e6223b5d300b33d95d85c64165 recomputed meta-llama/llama#541
  params.json 102 9a3757de7196d1840b551a85b82efbc8 abca3ac5d29c564e8bd2bd2672fb2dd83213c58b673d18e8eb64c502ed8401a2 recomputed meta-llama/llama#541
  consolidated.00.pth - daa8e3109935070df7fe8fc42d34525e - listed meta-llama/llama#541

Llama-2-7b-chat
  checklist.chk 100 595b92997ec4c41276913ffc3a75ebc3 30f6ff145747d6454af4789ef8b8f87894e8232e8d67407eb4e6aacb0a173a04 recomputed meta-llama/llama#541
  params.json 102 1c39bc3c6b51079fd807cc105b86c9df f89517190dd9c285e58f30d66e80932465192c244a716bc8ebafedbdc903a259 recomputed meta-llama/llama#541
  consolidated.00.pth - 0c4837f3ef97f648452f91faed308a07 - listed meta-llama/llama#541

Llama-2-13b
  checklist.chk 154 a9adc7c6c764e801521361246bbbefbc 58989513420c24de9ca19d51f6c5f08b33f9a1bf36936112bef56001886f586d recomputed meta-llama/llama#541
  params.json 102 b54ad5614e2a66c1e6eb3d4d25aa8d94 713ac69eaa9387a19d25c10e03270de04a5fe4232f136751595683c26f6f996a recomputed meta-llama/llama#541
  consolidated.00.pth - 76087fcc6c5269ddea74c4f0f6144e4b - listed meta-llama/llama#541
  consolidated.01.pth - 3f893d85e21541021aea58a3c4162e4b - listed meta-llama/llama#541

Llama-2-70b-chat
  consolidated.04.pth 17246706245 - - size meta-llama/llama#363

Llama-3.1-8B
  params.json 199 5d1e239b186cd12fac19afe77e8f9d45 fce5ee1187bee0f52e8b74514351b1654289c00d9090ec43068032076b16684e recomputed fixtures/published
  consolidated.00.pth - 7c46ceec43eef48f2d999813cf47d3ee a4bf93805847a87006dfc036ec518dc1ff94605f3a0bcd819916477ae9dcafbc reported huggingface.co/meta-llama/Llama-3.1-8B
  model.safetensors.index.json 23950 - 146776fce3f6db1103aa6f249e65ee5544c5923ce6f971b092eee79aa6e5d37b recomputed fixtures/published
  model-00001-of-00004.safetensors 4976698672 - - size huggingface.co/meta-llama/Llama-3.1-8B
  model-00002-of-00004.safetensors 4999802720 - - size huggingface.co/meta-llama/Llama-3.1-8B
  model-00003-of-00004.safetensors 4915916176 - - size huggingface.co/meta-llama/Llama-3.1-8B
  model-00004-of-00004.safetensors 1168138808 - - size huggingface.co/meta-llama/Llama-3.1-8B

Llama-3.1-8B-Instruct
  params.json 199 b1fa8bedb515f79e326bd31609e75f8c b15b6b31b2043c0400b028ecc25c8946e21d76ac260e9ac6a357ed8727c8865f recomputed huggingface.co/meta-llama/Llama-3.1-8B-Instruct
  consolidated.00.pth 16060617592 - ab33d910f405204e5d388bc3521503584800461dc96808e287821dd451c1edac reported huggingface.co/meta-llama/Llama-3.1-8B-Instruct
  config.json 855 - 29e4c210b0d6ac178b16b2a255a568bdb23b581e50ca1ef6a6d071dd85704e6e recomputed fixtures/published
  generation_config.json 184 - 189fb0c0d7fd8a527db217c0a60a0e013f0394cd8800f9697a666a9e75e5f7fd recomputed fixtures/published
  tokenizer_config.json 55351 - 177c7b61e616fecb84c17ce0591acb92c6c4d60e9ac5ababfb940ff23bbcd424 reported huggingface.co/meta-llama/Llama-3.1-8B-Instruct
  tokenizer.json 9085657 - 79e3e522635f3171300913bb421464a87de6222182a0570b9b2ccba2a964b2b4 recomputed huggingface.co/meta-llama/Llama-3.1-8B-Instruct
  special_tokens_map.json 296 - 6f38c73729248f6c127296386e3cdde96e254636cc58b4169d3fd32328d9a8ec recomputed fixtures/published

Llama-3.2-1B-Instruct
  checklist.chk 156 b6409db25835d18a4598e6ffe5885fbb efefc79fc47ecce1c3e06a6ae77a4cddc7e6078f822efba22e4fc7f9da02400e recomputed fixtures/published
  params.json 220 69582ec3cc4a5f0bf8e2b1fcc04c3c6a 1d616a44f3cdac29b9288cf14718b76eb1bed56ed38be1f7e39b06ed139e3733 recomputed fixtures/published
  consolidated.00.pth - 5b6352294a545ebeb2e41d5638656a27 fc17d497df5e4175b3a8acb4f5865b26f7fc1b009b25bef814b95fde10e8a1f3 listed fixtures/published
  config.json 877 - 2febf68cea25bf4611be02b7536f2488a5ba523bb1134986e3610152abe74fdb recomputed fixtures/published
  generation_config.json 189 - 88effbb63300dbbc7390143fbbdd9d9fa50587b37e8bfd16c8c90d4970a74a36 recomputed fixtures/published
  model.safetensors 2471645608 - 1ff795ff6a07e6a68085d206fb84417da2f083f68391c2843cd2b8ac6df8538f reported huggingface.co/meta-llama/Llama-3.2-1B-Instruct
  tokenizer_config.json 54528 - 9823dcfdc1121869029da45192238e85cf44f0b232a6d9dc20e4fe6f4242a14e reported huggingface.co/meta-llama/Llama-3.2-1B-Instruct
  tokenizer.json 9085657 - 79e3e522635f3171300913bb421464a87de6222182a0570b9b2ccba2a964b2b4 recomputed huggingface.co/meta-llama/Llama-3.2-1B-Instruct
  special_tokens_map.json 296 - 6f38c73729248f6c127296386e3cdde96e254636cc58b4169d3fd32328d9a8ec recomputed fixtures/published

Llama-3.2-3B
  params.json 220 618025eb0e972cabc8f5aae54c91b855 9ec1107c85b362eef64ffd7689779ee8c2b498c8055f03ad72f9fb637de82ae1 recomputed huggingface.co/meta-llama/Llama-3.2-3B
  consolidated.00.pth - 8f0bfb9428f98a4d52c294aadb485f66 e85237a45033593adb3eb7e1a6cc5c410c4e2b360e24a422d3c1ab12a166c441 reported meta-llama/llama-models#515

Llama-Guard-3-1B
  checklist.chk 156 - 9c8e8e6faf7f3828b72b074f078546a8e055b765ee1a5208ea3221a4a25ed7c8 reported third-party
  params.json 220 ea525bcaf082df3020dadc7bcc6451a1 1df36ad4278fc38db158ddbf5799f99d383d6b96cc2d190fc0b45fa09c6f0011 recomputed third-party
  consolidated.00.pth - - 10a6c07a5556355be37791a225cdf63352c37de1733910a2ab4b3e70077d8fd3 reported third-party

Llama-3.1-405B-FP8
  consolidated.00.pth 60903742309 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.01.pth 60903742309 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.02.pth 60903742309 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.03.pth 60903742309 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.04.pth 60903742309 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.05.pth 60903742309 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.06.pth 60903742309 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.07.pth 60903742309 - - size meta-llama/llama-models:models/sku_list.py

Llama-3.1-405B-MP8
  consolidated.00.pth 101470976045 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.01.pth 101470976045 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.02.pth 101470976045 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.03.pth 101470976045 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.04.pth 101470976045 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.05.pth 101470976045 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.06.pth 101470976045 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.07.pth 101470976045 - - size meta-llama/llama-models:models/sku_list.py

Llama-3.1-405B-MP16
  consolidated.00.pth 51268302389 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.01.pth 51268302389 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.02.pth 51268302389 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.03.pth 51268302389 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.04.pth 51268302389 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.05.pth 51268302389 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.06.pth 51268302389 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.07.pth 51268302389 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.08.pth 51268302389 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.09.pth 51268302389 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.10.pth 51268302389 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.11.pth 51268302389 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.12.pth 51268302389 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.13.pth 51268302389 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.14.pth 51268302389 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.15.pth 51268302389 - - size meta-llama/llama-models:models/sku_list.py

Llama-4-Maverick-17B-128E
  consolidated.00.pth 100458118386 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.01.pth 100458118386 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.02.pth 100458118386 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.03.pth 100458118386 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.04.pth 100458118386 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.05.pth 100458118386 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.06.pth 100458118386 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.07.pth 100458118386 - - size meta-llama/llama-models:models/sku_list.py

Llama-4-Maverick-17B-128E-Instruct
  consolidated.00.pth 100426653046 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.01.pth 100426653046 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.02.pth 100426653046 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.03.pth 100426653046 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.04.pth 100426653046 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.05.pth 100426653046 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.06.pth 100426653046 - - size meta-llama/llama-models:models/sku_list.py
  consolidated.07.pth 100426653046 - - size meta-llama/llama-models:models/sku_list.py
`;

/** The tokenizer that all releases of Llama 3.x share. */
export const LLAMA_3_TOKENIZER: KnownFile = {
  name: 'tokenizer.model',
  size: 2_183_982,
  md5: '08292403f8b173e7524d7fba7bbbd2d3',
  sha256: '82e9d31979e92ab929cd544440f129d9ecd797b69e327f80f17e1c50d5551b55',
  evidence: 'recomputed',
  source: 'meta-llama/llama-models:models/llama3/tokenizer.model',
};

/** The tokenizer of Llama 1 and 2, which lies in the folder above. */
export const LLAMA_2_TOKENIZER: KnownFile = {
  name: 'tokenizer.model',
  size: 499_723,
  md5: 'eeec4125e9c7560836b4873b6f8e3025',
  sha256: '9e556afd44213b6bd1be2b850ebbbd98f5481437a8021afaf58ee7fb1818d347',
  evidence: 'recomputed',
  source: 'shawwn/llama-dl#4',
};

/** The tokenizer of Llama 4. */
export const LLAMA_4_TOKENIZER: KnownFile = {
  name: 'tokenizer.model',
  size: 3_622_230,
  md5: '0c0d98d8d15241230fae8c4153aa9fc8',
  sha256: 'd0bdbaf59b0762c8c807617e2d8ea51420eb1b1de266df2495be755c8e0ed6ed',
  evidence: 'reported',
  source: 'meta-llama/llama-models:models/llama4/tokenizer.model',
};

const FILES: ReadonlyMap<string, readonly KnownFile[]> = parseTable(TABLE);

/** Releases of which a file beside the tokenizer is known. */
export const RELEASES_WITH_FILES: readonly string[] = [...FILES.keys()];

/** What is known of the files of a release, by its name; the tokenizer is left out. */
export function knownFilesOf(id: string): readonly KnownFile[] {
  return FILES.get(id) ?? [];
}

function parseTable(table: string): Map<string, KnownFile[]> {
  const files = new Map<string, KnownFile[]>();
  let current: KnownFile[] = [];
  for (const line of table.split('\n').filter((text) => text !== '')) {
    if (!line.startsWith(' ')) files.set(line, (current = []));
    else current.push(parseRow(line.trim().split(' ')));
  }
  return files;
}

function parseRow([name = '', size = '-', md5 = '-', sha256 = '-', evidence = '', source = '']: string[]): KnownFile {
  return {
    name,
    ...(size === '-' ? {} : { size: Number(size) }),
    ...(md5 === '-' ? {} : { md5 }),
    ...(sha256 === '-' ? {} : { sha256 }),
    evidence: evidence as Evidence,
    source,
  };
}
