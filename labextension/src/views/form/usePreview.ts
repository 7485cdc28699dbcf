/** The preview of the form: asked for while the person types; the answer to the newest question wins. */
import { useEffect, useState } from 'react';

import type { Problem } from '../../api/problem';
import { asProblem, isAbort } from '../../api/problem';
import type { Form, Preview } from '../../api/schemas';
import { useHost, useVisible } from '../common/hostContext';

/** milliseconds without a keystroke before the server is asked */
const PAUSE = 300;
/** milliseconds before the same question is asked again when nobody could be reached */
const AGAIN = 3000;

export interface PreviewState {
  /** the newest answer; also shown while a newer one is awaited, so that nothing flickers */
  preview: Preview | undefined;
  /** the reason for which there is no newer one */
  problem: Problem | null;
  /** `preview` answers the form as it is now */
  current: boolean;
}

/** The preview of `form`, an edit of `schedule` if given; `renewal` counts up when the files may have changed under the same form. */
export function usePreview(form: Form, schedule: string | undefined, renewal: number): PreviewState {
  const { api } = useHost();
  const visible = useVisible();
  const question = `${renewal} ${JSON.stringify(form)}`;
  const [answer, setAnswer] = useState<{ question: string; preview?: Preview; problem: Problem | null }>({
    question: '',
    problem: null
  });
  const [tries, setTries] = useState(0);
  const answered = answer.question === question && !answer.problem?.isTransient;

  useEffect(() => {
    if (!visible || answered || (form.notebook === null && form.tarball === null)) {
      return;
    }
    const asking = new AbortController();
    const ask = async () => {
      try {
        const preview = await api.preview(form, schedule, asking.signal);
        setAnswer({ question, preview, problem: null });
      } catch (error) {
        if (!isAbort(error) && !asking.signal.aborted) {
          const problem = asProblem(error);
          setAnswer(old => ({ question, preview: old.preview, problem }));
          if (problem.isTransient) {
            setTries(count => count + 1);
          }
        }
      }
    };
    const wait = answer.problem?.isTransient && answer.question === question ? AGAIN : PAUSE;
    const timer = setTimeout(() => void ask(), answer.question ? wait : 0);
    return () => {
      clearTimeout(timer);
      asking.abort();
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the form is in the question
  }, [question, visible, answered, tries, api]);

  return { preview: answer.preview, problem: answer.problem, current: answered && answer.problem === null };
}
