/** The form on a server that a test made, and what tests look for in it. */
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { vi } from 'vitest';

import type { Host } from '../../src/views/common/hostContext';
import { HostProvider } from '../../src/views/common/hostContext';
import type { FormProps } from '../../src/views/form/ScheduleForm';
import { ScheduleForm } from '../../src/views/form/ScheduleForm';
import type { FakeServer } from './server';
import { createHost } from './server';

export const NOTEBOOK = 'reports/bikes.ipynb';

export function open(server: FakeServer, props: Partial<FormProps> = {}, changes: Partial<Host> = {}) {
  const done = vi.fn();
  const view = render(
    <HostProvider value={createHost(server, changes)}>
      <ScheduleForm notebook={NOTEBOOK} done={done} {...props} />
    </HostProvider>
  );
  return { user: userEvent.setup(), done, ...view };
}

export const button = (name: string) => screen.getByRole('button', { name });
export const sentence = () => screen.findByText(/^Runs every day/);
export const created = (server: FakeServer) => server.to('POST schedules').map(({ body }) => body);
