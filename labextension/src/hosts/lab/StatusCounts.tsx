/** The numbers of failing schedules and of runs that go, in the status bar; loaded when something happens. */
import { ReactWidget } from '@jupyterlab/ui-components';
import type { ReactElement } from 'react';

import type { Status } from '../../api/schemas';
import { Commands } from '../../tokens';
import { createClient } from './client';
import type { Services } from './services';

/** `1 failing · 2 running`; each part leads to the list, so filtered. */
export class StatusCounts extends ReactWidget {
  private counts: Pick<Status, 'failing' | 'running'> = { failing: 0, running: 0 };

  constructor(private readonly services: Services) {
    super();
  }

  /** Ask the server for the numbers, and draw them. */
  async renew(): Promise<void> {
    this.counts = await createClient(this.services.app).status();
    this.update();
  }

  protected override render(): ReactElement {
    const { trans } = this.services;
    const { failing, running } = this.counts;
    return (
      <>
        {failing > 0 && this.part('failing', trans.__('%1 failing', failing))}
        {running > 0 && this.part('running', trans.__('%1 running', running))}
      </>
    );
  }

  private part(chip: string, text: string): ReactElement {
    return (
      <button
        type="button"
        className="jp-StatusBar-TextItem"
        style={{ border: 'none', background: 'none', padding: '0 4px', cursor: 'pointer', color: 'inherit' }}
        onClick={() => void this.services.app.commands.execute(Commands.show, { chip })}
      >
        {text}
      </button>
    );
  }
}
