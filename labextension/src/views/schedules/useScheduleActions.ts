/** The actions on a schedule, from its row and from its page. */
import { useMemo } from 'react';

import { asProblem } from '../../api/problem';
import type { Schedule } from '../../api/schemas';
import type { TranslationBundle } from '../../model/translation';
import type { View } from '../../model/views';
import { copyText } from '../common/controls';
import { useHost } from '../common/hostContext';
import type { MenuItem } from '../common/Menu';
import type { Action } from '../common/useAction';
import type { Undo } from '../common/useUndo';

export interface PanelControls {
  go(view: View): void;
  undo: Undo;
  action: Action;
  /** Hide a schedule that is about to be deleted, or show it again. */
  hide(name: string, hidden: boolean): void;
  /** Look at the server again now. */
  refresh(): void;
}

export interface ScheduleActions {
  runNow(): void;
  pauseOrResume(): void;
  edit(): void;
  menu: MenuItem[];
}

export function useScheduleActions(schedule: Schedule, panel: PanelControls): ScheduleActions {
  const { api, trans, linkTo } = useHost();
  const { name } = schedule;
  const paused = schedule.state === 'paused' || schedule.state === 'rehearsing';
  const { action, go, undo, hide, refresh } = panel;
  return useMemo(() => {
    const runNow = () =>
      action.run(async () => {
        const run = await api.runNow(name);
        go({ at: 'run', run: run.run_id, schedule: name });
      });
    const pauseOrResume = () =>
      action.run(async () => {
        await (paused ? api.resume(name) : api.pause(name));
        refresh();
        if (!paused) {
          undo.offer({
            text: trans.__('Paused %1. Nothing runs until you resume.', name),
            undo: () => action.run(async () => (await api.resume(name), refresh()))
          });
        }
      });
    const remove = () => {
      hide(name, true);
      go({ at: 'list' });
      undo.offer({
        text: `${trans.__('Deleted %1.', name)} ${schedule.on_delete}`,
        undo: () => hide(name, false),
        settle: leaving => {
          api.remove(name, leaving).then(refresh, (error: unknown) => {
            hide(name, false);
            action.run(() => Promise.reject(asProblem(error)));
          });
        }
      });
    };
    const edit = () => go({ at: 'form', notebook: schedule.form.notebook, schedule: name });
    const broken = schedule.state === 'broken';
    const items: Array<MenuItem | false> = [
      !broken && { label: trans.__('Run now'), act: runNow },
      !broken && schedule.state !== 'ended' && { label: labelPauseButton(schedule, trans), act: pauseOrResume },
      !broken && { label: trans.__('Edit'), act: edit },
      !broken && {
        label: trans.__('Duplicate'),
        act: () => go({ at: 'form', notebook: schedule.form.notebook, from: name })
      },
      linkTo !== undefined && {
        label: trans.__('Copy link'),
        act: () => void copyText(linkTo({ at: 'history', schedule: name }))
      },
      { label: trans.__('Delete'), act: remove }
    ];
    return { runNow, pauseOrResume, edit, menu: items.filter(item => item !== false) };
  }, [api, trans, linkTo, name, paused, schedule, action, go, undo, hide, refresh]);
}

/** The label of the button that pauses a schedule, or lets it run. */
export function labelPauseButton({ state }: Schedule, trans: TranslationBundle): string {
  if (state === 'rehearsing') {
    return trans.__('Start without it');
  }
  return state === 'paused' ? trans.__('Resume') : trans.__('Pause');
}
