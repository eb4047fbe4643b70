import { useEffect, useState } from 'preact/hooks';

/** What happened, said once: shown for a while at the foot of the page, and read out by screen readers. */
export interface Announcement {
  readonly text: string;
  /** Progress is only read out: it is on the screen anyway. */
  readonly quiet: boolean;
}

const SHOWN_MS = 6_000;
let listener: (announcement: Announcement) => void = () => {};

export const announce = (text: string, quiet = false): void => listener({ text, quiet });

export const Announcer = () => {
  const [said, setSaid] = useState<Announcement>({ text: '', quiet: true });
  useEffect(() => {
    listener = setSaid;
    return () => {
      listener = () => {};
    };
  }, []);
  useEffect(() => {
    if (said.text === '') return;
    const timer = setTimeout(() => setSaid({ text: '', quiet: true }), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [said]);
  return (
    <div role="status" class={said.quiet ? 'unseen' : 'toast'} data-empty={said.text === ''}>
      {said.text}
    </div>
  );
};
