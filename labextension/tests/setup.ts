import { cleanup } from '@testing-library/react';
import { afterEach, vi } from 'vitest';

afterEach(() => {
  cleanup();
  vi.useRealTimers();
  localStorage.clear();
});

// jsdom draws nothing; axe asks all the same, and jsdom would print that every time.
HTMLCanvasElement.prototype.getContext = () => null;
