import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import type { ApiError } from '#catalog/api/contract.ts';
import { useArrival } from '../router.ts';
import { Marked } from './text.tsx';

/** One page: its heading takes the focus when one arrives by a link, and names the window. */
export const Page = ({
  title,
  heading,
  above,
  actions,
  children,
}: {
  title: string;
  heading?: ComponentChildren;
  above?: ComponentChildren;
  actions?: ComponentChildren;
  children: ComponentChildren;
}) => {
  const h1 = useRef<HTMLHeadingElement>(null);
  useArrival(h1, title);
  return (
    <>
      {above}
      <header class="page-head">
        <h1 ref={h1} tabIndex={-1}>
          {heading ?? title}
        </h1>
        {actions && <div class="actions">{actions}</div>}
      </header>
      {children}
    </>
  );
};

/** An error as every error is shown: what happened, what to do, and the code to search for. */
export const ErrorPanel = ({
  error,
  title,
  onRetry,
  standing = false,
}: {
  error: ApiError;
  title?: string;
  /** It was there before one came: it is shown, but does not interrupt who listens. */
  standing?: boolean;
  onRetry?: (() => void) | undefined;
}) => (
  <div class="panel bad" {...(standing ? {} : { role: 'alert' })}>
    <p class="panel-title">{title ?? 'That did not work'}</p>
    <p>
      <Marked text={error.message} />
    </p>
    {error.advice !== '' && (
      <p>
        <strong>What to do:</strong> <Marked text={error.advice} />
      </p>
    )}
    <p class="panel-foot">
      <code class="code">{error.code}</code>
      {onRetry && (
        <button type="button" class="small" onClick={onRetry}>
          Try again
        </button>
      )}
    </p>
  </div>
);

/** Nothing to show yet, and what to do about it. */
export const Empty = ({ title, children }: { title: string; children?: ComponentChildren }) => (
  <div class="empty">
    <p class="empty-title">{title}</p>
    {children}
  </div>
);

/** Appears only when loading takes long enough to be noticed (by a delay in the style sheet). */
export const Loading = ({ what }: { what: string }) => (
  <p class="loading" role="status">
    <span class="spinner" aria-hidden="true" />
    Loading {what}…
  </p>
);

/** The state of something: a word and a shape, not the colour alone. */
export type Tone = 'green' | 'red' | 'amber' | 'grey' | 'blue';
export const Badge = ({ tone, children }: { tone: Tone; children: ComponentChildren }) => (
  <span class={`badge ${tone}`} data-tone={tone}>
    <span class="shape" aria-hidden="true" />
    {children}
  </span>
);

/** One labelled fact in a `<dl class="facts">`. */
export const Fact = ({ label, children, wide }: { label: string; children: ComponentChildren; wide?: boolean }) => (
  <div class={wide ? 'fact wide' : 'fact'}>
    <dt>{label}</dt>
    <dd>{children}</dd>
  </div>
);

/** Text too wide for the page scrolls in a box of its own, which the keyboard reaches. */
export const Scroll = ({
  label,
  class: name,
  children,
}: {
  label: string;
  class: string;
  children: ComponentChildren;
}) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: without it the keyboard could not scroll the box.
  <section class={`scroll ${name}`} tabIndex={0} aria-label={label}>
    {children}
  </section>
);
