import { defineConfig } from 'vitest/config';

// The built package, imported by its name: what a program that installs it gets.
export default defineConfig({
  test: {
    include: ['__test__/package/**/*.test.ts'],
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
