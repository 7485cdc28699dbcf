import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it } from 'vitest';

import type { RunDetails } from '../../../src/api/schemas';
import { Panel } from '../../../src/views/Panel';
import type { View } from '../../../src/model/views';
import { failed, run, schedule, status } from '../../support/factories';
import { FakeServer, createHost } from '../../support/server';

const ID = run().run_id;
const KEY = {
  path: 'output/a.csv',
  kind: 'secret',
  message: 'a.csv, line 3: what looks like a key.',
  line: 3,
  row: null,
  column: null,
  cell: null,
  count: 1
};

function open(shown: RunDetails) {
  const made = run({ run_id: 'released' });
  const server = new FakeServer({
    'GET status': status(),
    'GET schedules/bikes': schedule(),
    [`GET runs/${ID}`]: shown,
    [`GET runs/${ID}/log`]: { text: '', next: 0, ended: true },
    [`POST runs/${ID}/approve`]: made
  });
  const gone: View[] = [];
  render(
    <Panel
      host={createHost(server)}
      view={{ at: 'run', run: ID, schedule: 'bikes' }}
      go={view => gone.push(view)}
      visible
      notebook={null}
    />
  );
  return { server, gone, user: userEvent.setup() };
}

const held = () =>
  failed({
    reason: 'disclosure',
    failure: null,
    releasable: true,
    findings: [KEY] as RunDetails['findings'],
    more_findings: 2
  });

describe('What was kept from the public', () => {
  it('says what was found, and sends the reason for which it may be public all the same', async () => {
    const { server, gone, user } = open(held());
    expect(await screen.findByText(KEY.message)).toBeTruthy();
    expect(screen.getByText('And 2 more.')).toBeTruthy();
    await user.click(screen.getByLabelText('Why they may be public'));
    await user.paste('A made-up key.');
    await user.click(screen.getByRole('button', { name: 'Publish anyway' }));
    await waitFor(() =>
      expect(server.to(`POST runs/${ID}/approve`)[0]!.body).toMatchObject({ reason: 'A made-up key.' })
    );
    await waitFor(() => expect(gone).toEqual([{ at: 'run', run: 'released', schedule: 'bikes' }]));
  });

  it('goes out without hover data where that is all that was found, and needs no reason then', async () => {
    const { server, user } = open({ ...held(), only_hover_data: true });
    await user.click(await screen.findByRole('button', { name: 'Publish without hover data' }));
    const decision = { reason: null, without_hover_data: true };
    await waitFor(() => expect(server.to(`POST runs/${ID}/approve`)[0]!.body).toEqual(decision));
  });

  it('offers no page without hover data where more was found', async () => {
    open(held());
    await screen.findByRole('button', { name: 'Publish anyway' });
    expect(screen.queryByRole('button', { name: 'Publish without hover data' })).toBeNull();
  });

  it('needs no reason where nothing was found and a person has only to look', async () => {
    const { server, user } = open(run({ trigger: 'rehearsal', releasable: true }));
    await user.click(await screen.findByRole('button', { name: 'Publish these results' }));
    expect(screen.queryByLabelText('Why they may be public')).toBeNull();
    await waitFor(() => expect(server.to(`POST runs/${ID}/approve`)[0]!.body).toMatchObject({ reason: null }));
  });

  it('isn’t looked for where the files were removed', async () => {
    const { server } = open(run({ removed: 'Its files were removed after 90 days.' }));
    expect(await screen.findByText('Its files were removed after 90 days.')).toBeTruthy();
    expect(server.to(`GET runs/${ID}/log`)).toEqual([]);
  });

  it('isn’t spoken of where nothing is kept', async () => {
    open(run());
    await screen.findByRole('heading', { name: /Steps/ });
    expect(screen.queryByText('Not public yet')).toBeNull();
  });
});
