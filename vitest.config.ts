import { defineConfig } from 'vitest/config';

// The source, on Node. Tests start their own workers and child processes; each file gets a process of its own, so that
// a crash of the addon is one failed file and no store leaks from one file into the next.
export default defineConfig({
  test: {
    include: ['__test__/**/*.test.ts'],
    exclude: ['__test__/package/**'],
    pool: 'forks',
    // The suites mostly wait: for child processes, and for the disk.
    maxWorkers: 3,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Errors in other files are the types suite's to report.
    typecheck: {
      enabled: true,
      include: ['__test__/**/*.test-d.ts'],
      tsconfig: './tsconfig.test.json',
      ignoreSourceErrors: true,
    },
  },
});
