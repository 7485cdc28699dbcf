/** The panel on a server that has two schedules, one of which failed. */
import { render } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';

import type { RunDetails } from '../../src/api/schemas';
import type { Host } from '../../src/views/common/hostContext';
import { Panel } from '../../src/views/Panel';
import type { View } from '../../src/model/views';
import { failed, preview, run, schedule, status } from './factories';
import { FakeServer, createHost } from './server';

interface Shown {
  notebook?: string | null;
  visible?: boolean;
}

function Holder({ host, start, notebook = null, visible = true }: { host: Host; start: View } & Shown) {
  const [view, go] = useState(start);
  return <Panel host={host} view={view} go={go} visible={visible} notebook={notebook} />;
}

export function open(server: FakeServer, start: View, shown: Shown = {}, changes: Partial<Host> = {}) {
  const host = createHost(server, changes);
  const view = render(<Holder host={host} start={start} {...shown} />);
  return {
    user: userEvent.setup(),
    show: (other: Shown) => view.rerender(<Holder host={host} start={start} {...other} />),
    ...view
  };
}

export function serverWith(routes: ConstructorParameters<typeof FakeServer>[0] = {}): FakeServer {
  return new FakeServer({
    'GET status': status(),
    'GET schedules': [schedule({ last_runs: [run()] }), schedule({ name: 'churn', last_runs: [failed()] })],
    'GET schedules/bikes': schedule({ last_runs: [run()] }),
    'GET schedules/bikes/runs': [
      run(),
      failed({ run_id: 'b' }),
      run({ run_id: 'c', status: 'skipped', reason: 'overlap', message: 'Run 9 was still going.' })
    ],
    'POST preview': preview(),
    ...routes
  });
}

export const ID = run().run_id;
export const withRun = (changes: Partial<RunDetails>, routes = {}) =>
  serverWith({
    [`GET runs/${ID}`]: { ...failed(), ...changes },
    [`GET runs/${ID}/log`]: { text: 'hello\n', next: 1, ended: true },
    ...routes
  });
