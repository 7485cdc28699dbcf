import { cleanup, configure } from '@testing-library/react';
import { afterEach, vi } from 'vitest';

// a machine that is busy is no fault
configure({ asyncUtilTimeout: 60_000 });

afterEach(() => {
  cleanup();
  vi.useRealTimers();
  localStorage.clear();
});

// jsdom draws nothing; axe asks all the same, and jsdom would print that every time.
HTMLCanvasElement.prototype.getContext = () => null;
