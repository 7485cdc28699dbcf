/** The panel as a whole: from view to view. */
import { screen, waitFor } from '@testing-library/react';
import axe from 'axe-core';
import { describe, expect, it } from 'vitest';

import type { View } from '../../src/model/views';
import { form, run, schedule } from '../support/factories';
import { ID, open, serverWith, withRun } from '../support/openPanel';
import { FakeServer } from '../support/server';

describe('From the form', () => {
  it('one comes to the first run, with what was done and its undo', async () => {
    const made = schedule({ last_runs: [run({ status: 'due', started_at: null })] });
    const server = withRun(
      { status: 'due', started_at: null, failure: null },
      { 'POST schedules': made, 'GET schedules/bikes': made, 'DELETE schedules/bikes': {} }
    );
    const { user } = open(server, { at: 'form', notebook: 'reports/bikes.ipynb' });
    await screen.findByText(/^Runs every day/);
    await user.click(screen.getByRole('button', { name: 'Schedule' }));
    expect(await screen.findByText(/Scheduled. First run started. Next: Tue 24 Nov 13:00 your time./)).toBeTruthy();
    await user.click(screen.getByRole('button', { name: 'Undo' }));
    await waitFor(() => expect(server.to('DELETE schedules/bikes')).toHaveLength(1));
  });

  it('nothing is said that isn’t so any more', async () => {
    const made = schedule({ state: 'rehearsing', next_due: null, last_runs: [run()] });
    const server = withRun({}, { 'POST schedules': made, 'GET schedules/bikes': made });
    const { user } = open(server, { at: 'form', notebook: 'reports/bikes.ipynb' });
    await screen.findByText(/^Runs every day/);
    await user.click(screen.getByRole('button', { name: 'Schedule' }));
    expect(await screen.findByText(/On hold: the schedule starts when a run succeeds/)).toBeTruthy();
    expect(screen.queryByText(/First run started/)).toBeNull();
  });

  it('a copy starts with everything but the name', async () => {
    const other = schedule({ form: form({ timeout_minutes: 7 }) });
    const { user } = open(serverWith({ 'GET schedules/bikes': other }), { at: 'form', notebook: null, from: 'bikes' });
    await user.click(await screen.findByText('More options'));
    expect(await screen.findByLabelText('Job timeout (minutes)')).toHaveProperty('value', '7');
    expect(screen.getByLabelText('Job name')).toHaveProperty('value', '');
  });

  it('without a notebook, one is asked for', async () => {
    open(serverWith(), { at: 'form', notebook: null });
    expect(await screen.findByText('Open a notebook to schedule it.')).toBeTruthy();
  });
});

describe('The focus', () => {
  it('goes along when what had it goes away with its view', async () => {
    const { container, user } = open(serverWith(), { at: 'list' });
    (await screen.findByRole('link', { name: 'bikes' })).focus();
    await user.keyboard('{Enter}');
    await screen.findByRole('heading', { name: 'bikes' });
    await waitFor(() => expect(document.activeElement).toBe(container.querySelector('.jp-Schedule')));
  });

  it('stays on what is still there', async () => {
    const { user } = open(serverWith(), { at: 'list' });
    await user.click(await screen.findByRole('button', { name: 'Failing 1' }));
    expect(document.activeElement).toBe(screen.getByRole('button', { name: 'Failing 1' }));
  });
});

describe('axe finds nothing', () => {
  it.each<[string, View, () => FakeServer, RegExp]>([
    ['list', { at: 'list' }, serverWith, /Every day/],
    ['form', { at: 'form', notebook: 'reports/bikes.ipynb' }, serverWith, /^Runs every day/],
    ['history', { at: 'history', schedule: 'bikes' }, serverWith, /Skipped and missed/],
    ['run', { at: 'run', run: ID }, () => withRun({}), /division by zero/]
  ])('in the %s', async (_, view, server, shown) => {
    const { container } = open(server(), view);
    await screen.findAllByText(shown);
    const { violations } = await axe.run(container, {
      rules: { region: { enabled: false }, 'color-contrast': { enabled: false } }
    });
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
  });
});
