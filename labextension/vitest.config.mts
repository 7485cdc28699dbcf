import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'jsdom',
    include: ['tests/**/*.test.{ts,tsx}'],
    setupFiles: ['tests/support/setup.ts'],
    // each file in a context of its own, in threads that share one jsdom
    pool: 'vmThreads',
    testTimeout: 300_000,
    restoreMocks: true,
    unstubGlobals: true
  }
});
