import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'bench/*.test.ts', 'examples/*.test.ts', 'scripts/*.test.ts'],
    testTimeout: 60_000,
    // by itself vitest leaves one core idle, and the tests take longer than a step of .ci/run may
    maxWorkers: '100%',
    // continuous integration counts the tests from this file
    reporters: process.env['CI'] === undefined ? ['default'] : ['default', 'json'],
    outputFile: { json: 'coverage/tests.json' },
    coverage: {
      provider: 'v8',
      include: ['src/**/*.{ts,js}'],
      exclude: ['src/**/*.test.ts', 'src/**/*.generated.*', 'src/testing/**'],
      reportOnFailure: true,
      reporter: ['text-summary', 'json-summary', 'html'],
      thresholds: { lines: 90, branches: 90 },
    },
  },
});
