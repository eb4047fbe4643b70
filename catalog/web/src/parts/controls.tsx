import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApiError } from '#catalog/api/contract.ts';
import { announce } from '../announce.tsx';
import { shown } from '../api.ts';
import { ErrorPanel, Scroll } from './panels.tsx';

/** Runs one action at a time and keeps what it was refused with. */
export const useAction = () => {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ApiError>();
  const running = useRef(false);
  const run = async (action: () => Promise<unknown>): Promise<boolean> => {
    if (running.current) return false;
    running.current = true;
    setBusy(true);
    setProblem(undefined);
    try {
      await action();
      return true;
    } catch (error) {
      setProblem(shown(error));
      return false;
    } finally {
      running.current = false;
      setBusy(false);
    }
  };
  return { busy, problem, run, clear: () => setProblem(undefined) };
};

/** The next page of a list. */
export const LoadMore = ({
  more,
  busy,
  what,
}: {
  more: (() => Promise<void>) | undefined;
  busy: boolean;
  what: string;
}) =>
  more ? (
    <p class="load-more">
      <button type="button" aria-disabled={busy} onClick={() => void more()}>
        {busy ? 'Loading…' : 'Load more'}
        <span class="unseen"> {what}</span>
      </button>
    </p>
  ) : null;

/** Copies a text; says so. Where the browser has no clipboard (plain http), the text is selected instead. */
export const Copy = ({ text, what, target }: { text: string; what: string; target?: string }) => {
  const [done, setDone] = useState('');
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setDone('Copied');
      announce(`${what} copied.`, true);
    } catch {
      const element = target === undefined ? null : document.getElementById(target);
      if (element) getSelection()?.selectAllChildren(element);
      setDone('Press Ctrl+C');
      announce(`${what} selected: press Control C to copy.`, true);
    }
  };
  return (
    <button type="button" class="small" onClick={copy}>
      {done || 'Copy'}
      <span class="unseen"> {what}</span>
    </button>
  );
};

/** Text for a terminal, with a button that copies it. */
export const Snippet = ({ id, text, what }: { id: string; text: string; what: string }) => (
  <div class="snippet">
    <Scroll label={what} class="snippet-text">
      <pre id={id}>{text}</pre>
    </Scroll>
    <Copy text={text} what={what} target={id} />
  </div>
);

/** A modal dialog: the browser keeps the focus inside, Escape closes it, and the focus returns to where it was. */
export const Dialog = ({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}) => {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby="dialog-title"
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <h2 id="dialog-title">{title}</h2>
      {children}
    </dialog>
  );
};

/** Asks before something that cannot be undone: the word has to be typed. */
export const ConfirmTyped = ({
  title,
  word,
  action,
  onConfirm,
  onClose,
  children,
}: {
  title: string;
  word: string;
  action: string;
  onConfirm: () => Promise<unknown>;
  onClose: () => void;
  children: ComponentChildren;
}) => {
  const [typed, setTyped] = useState('');
  const { busy, problem, run } = useAction();
  const ready = typed === word && !busy;
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={async (event) => {
          event.preventDefault();
          if (ready && (await run(onConfirm))) onClose();
        }}
      >
        {children}
        <label class="field">
          <span>
            Type <code>{word}</code> to confirm
          </span>
          <input
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
          />
        </label>
        {problem && <ErrorPanel error={problem} />}
        <div class="actions end">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="danger" disabled={!ready}>
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  );
};
