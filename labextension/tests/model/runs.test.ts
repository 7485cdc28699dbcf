import { describe, expect, it } from 'vitest';

import type { RunDetails } from '../../src/api/schemas';
import {
  describeCause,
  describeMissing,
  findMissingName,
  findPage,
  stripControls,
  renderLog,
  describeState,
  describeScheduleState,
  listSteps,
  describeDuration
} from '../../src/model/runs';
import { Clock } from '../../src/model/time';
import { english } from '../../src/model/translation';
import { NOW, failed, run, schedule } from '../support/factories';

const reader = { trans: english, clock: new Clock('Europe/Paris', 'en', english), now: NOW };

describe('A run’s state has an icon, a colour and words', () => {
  it.each<[string, Partial<RunDetails>, string, string]>([
    ['due later', { status: 'due', scheduled_for: '2026-11-23T11:03:00Z' }, 'muted', 'Starts in 3 min'],
    ['due now', { status: 'due' }, 'muted', 'Waiting to start'],
    ['launching', { status: 'launching' }, 'info', 'Starting worker'],
    ['running', { status: 'running', progress: [3, 6] }, 'info', 'Running, cell 4 of 6'],
    ['at its last cell', { status: 'running', progress: [6, 6] }, 'info', 'Running, cell 6 of 6'],
    ['running a command', { status: 'running' }, 'info', 'Running'],
    ['asked to stop', { status: 'running', cancelled_by: 'local' }, 'info', 'Stopping…'],
    ['publishing', { status: 'publishing' }, 'info', 'Publishing'],
    ['succeeded', {}, 'success', 'Succeeded in 6.0 s'],
    ['timed out', { status: 'timed_out', seconds: 7200 }, 'error', 'Timed out after 2 h'],
    ['cancelled', { status: 'cancelled', cancelled_by: 'local' }, 'muted', 'Stopped by you'],
    ['cancelled by somebody else', { status: 'cancelled', cancelled_by: 'ann' }, 'muted', 'Stopped by ann'],
    [
      'usual for a while yet',
      { status: 'running', started_at: '2026-11-23T10:59:30Z', usual_seconds: 48 },
      'info',
      'Running, about 20 s left'
    ],
    ['longer than usual', { status: 'running', usual_seconds: 3 }, 'info', 'Running'],
    ['skipped', { status: 'skipped', reason: 'overlap' }, 'muted', 'Skipped'],
    ['missed', { status: 'skipped', reason: 'missed', count: 3 }, 'warning', 'Missed 3 times'],
    ['unreadable', { status: 'due', reason: 'unreadable' }, 'error', 'Broken'],
    ['failed early', { status: 'failed' }, 'error', 'Failed']
  ])('%s', (_, changes, role, words) => {
    expect(describeState(run(changes), reader)).toMatchObject({ role, words });
  });

  it('and where it failed', () => {
    expect(describeState(failed(), reader).words).toBe('Failed at cell 2 of 3');
  });
});

describe('A cause', () => {
  it.each<[string, string, boolean, string]>([
    [
      "[Errno 2] No such file or directory: '../data/a.csv'",
      '../data/a.csv',
      true,
      'FileNotFoundError: ../data/a.csv was not in the code tarball.'
    ],
    [
      '[Errno 2] No such file or directory: "it\'s.csv"',
      "it's.csv",
      false,
      "FileNotFoundError: it's.csv doesn’t exist here either."
    ]
  ])('is a missing file: %s', (message, name, there, words) => {
    const missed = failed({ message, failure: null });
    expect(findMissingName(missed)).toBe(name);
    expect(describeMissing(missed, name, there, english)).toBe(words);
  });

  it('of a missing file is as short as any, however long the path', () => {
    const message = `No such file or directory: '${'x/'.repeat(200)}end.csv'`;
    const line = describeMissing(failed({ message }), findMissingName(failed({ message }))!, true, english);
    expect(line.length).toBeLessThanOrEqual(120);
    expect(line).toContain('end.csv was not in the code tarball');
  });

  it('names no file where a run ended otherwise', () => {
    expect(findMissingName(failed())).toBeNull();
    expect(findMissingName(run({ message: "No such file or directory: 'x'" }))).toBeNull();
  });

  it('is one line of at most 120 characters without escape codes', () => {
    const long = failed({ message: `\u001b[31mKeyError\u001b[0m: ${'x'.repeat(300)}\nsecond line` });
    expect(describeCause(long)).toHaveLength(120);
    expect(describeCause(long)).toMatch(/^KeyError: x+…$/);
  });

  it('is empty when nothing was said', () => {
    expect(describeCause(run({ message: null }))).toBe('');
  });
});

describe('What a terminal would show', () => {
  it.each([
    ['\u001b[1;31mred\u001b[0m', 'red'],
    ['\u001b]8;;http://x\u0007link\u001b]8;;\u0007', 'link'],
    ['bell\u0007 and\u0000 nul', 'bell and nul'],
    ['tab\tand\nline', 'tab\tand\nline']
  ])('of %j is %j', (text, shown) => {
    expect(stripControls(text)).toBe(shown);
  });

  it.each([
    ['10%\r50%\r100%\ndone\n', '100%\ndone\n'],
    ['windows\r\nlines\r\n', 'windows\nlines\n'],
    ['half\r', 'half'],
    ['a\rb\r', 'b']
  ])('of the log %j is %j', (log, shown) => {
    expect(renderLog(log)).toBe(shown);
  });
});

describe('The steps', () => {
  const words = (changes: Partial<RunDetails>) => listSteps(run(changes), reader).map(step => step.words);

  it.each<[string, Partial<RunDetails>, string[]]>([
    ['waiting', { status: 'due', started_at: null }, ['Waiting to start']],
    ['launching', { status: 'launching', started_at: null }, ['Starting worker']],
    ['running', { status: 'running', progress: [2, 6] }, ['Started worker', 'Running (2 of 6 cells)']],
    ['good', { publication: { url: '/x', files: [] } }, ['Started worker', 'Ran', 'Published 0 files']],
    ['good and private', {}, ['Started worker', 'Ran', 'Nothing to publish']],
    ['failed', { status: 'failed' }, ['Started worker', 'Failed', 'Published nothing']],
    ['unpublished', { status: 'failed', reason: 'publishing' }, ['Started worker', 'Ran', 'Publishing failed']],
    ['never started', { status: 'failed', started_at: null }, ['The worker didn’t start', 'Published nothing']],
    ['skipped', { status: 'skipped', started_at: null }, []]
  ])('of a run that is %s', (_, changes, expected) => {
    expect(words(changes)).toEqual(expected);
  });

  it.each([
    [6, 6, '6.0 s'],
    [6, null, '6.0 s'],
    [20, 6, '20 s, usually 6.0 s'],
    [1, 6, '1.0 s, usually 6.0 s']
  ])('took %d s where %s is usual: %s', (seconds, usual_seconds, text) => {
    expect(describeDuration(run({ seconds, usual_seconds }), english)).toBe(text);
  });
});

describe('What is published', () => {
  it('is looked at on its page where folders can’t be', () => {
    expect(findPage('https://results.example.org/bikes/data/')).toBe('https://results.example.org/bikes/index.html');
    expect(findPage('/user/ann/jupyter-schedule/publications/bikes/data/')).toBe(
      '/user/ann/jupyter-schedule/publications/bikes/data/'
    );
  });
});

describe('A schedule’s state in the list', () => {
  const going = run({ status: 'running', ended_at: null });

  it.each([
    [schedule({ last_runs: [run()] }), 'Succeeded 59 min ago'],
    [schedule({ last_runs: [going] }), 'Running'],
    [schedule({ state: 'paused', next_due: null }), 'Paused'],
    [schedule(), 'No runs yet'],
    [schedule({ last_runs: [failed()] }), 'Failed 59 min ago']
  ])('says how it is doing', (row, words) => {
    expect(describeScheduleState(row, reader).words.replace('60', '59')).toBe(words);
  });
});
