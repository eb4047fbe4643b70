import { useState } from 'preact/hooks';
import { clockTime, cut, exactTime, number, relativeTime, useNow } from '../format.ts';

/**
 * Text that strangers wrote: names may be empty, very long, right-to-left, or look like HTML. It is only ever a text
 * node, isolated from the direction of what surrounds it, and cut where a page could not hold it.
 */
const NAME_LIMIT = 160;
const TITLE_LIMIT = 1_000;
const TEXT_LIMIT = 600;
const MESSAGE_LIMIT = 4_000;
const CODE_LIMIT = 2_000;

export const Name = ({ text, limit = NAME_LIMIT }: { text: string; limit?: number }) => {
  if (text.trim() === '') return <span class="nameless">(no name)</span>;
  return text.length > limit ? <bdi title={cut(text, TITLE_LIMIT)}>{cut(text, limit)}</bdi> : <bdi>{text}</bdi>;
};

/** What tells nameless assets apart: the end of the key, without connection and app. */
const keyTail = (key: string): string => cut(key.split('/').slice(2).join('/'), 60);

/** The name of an asset, or what stands for it. */
export const AssetName = ({ name, assetKey }: { name: string; assetKey: string }) => {
  const tail = name.trim() === '' ? keyTail(assetKey) : '';
  return (
    <>
      <Name text={name} />
      {tail !== '' && (
        <code class="code">
          {' '}
          <bdi>{tail}</bdi>
        </code>
      )}
    </>
  );
};

/** Prose with its line breaks; the rest of a long one is a button away. */
export const LongText = ({ text, what, code = false }: { text: string; what: string; code?: boolean }) => {
  const [whole, setWhole] = useState(false);
  const limit = code ? CODE_LIMIT : TEXT_LIMIT;
  const long = text.length > limit;
  const Tag = code ? 'code' : 'span';
  return (
    <>
      <Tag
        class={code ? 'expression' : 'prose'}
        dir={code ? 'ltr' : 'auto'}
        {...(whole ? { tabIndex: 0, role: 'region', 'aria-label': what, 'data-whole': true } : {})}
      >
        {whole ? text : cut(text, limit)}
      </Tag>
      {long && (
        <button type="button" class="plain" aria-expanded={whole} onClick={() => setWhole(!whole)}>
          {whole ? 'Show less' : `Show all ${number(text.length)} characters`}
        </button>
      )}
    </>
  );
};

/** Messages and advice mark names of keys and commands with backticks. */
export const Marked = ({ text }: { text: string }) => (
  <>
    {cut(text, MESSAGE_LIMIT)
      .split('`')
      .map((part, index, parts) =>
        // A backtick without its partner stays what it is.
        index % 2 === 1 && index < parts.length - 1 ? (
          <code key={`${index}`}>{part}</code>
        ) : (
          <bdi key={`${index}`}>{index % 2 === 1 ? `\`${part}` : part}</bdi>
        ),
      )}
  </>
);

/** A sentence and its code, which stands apart from it: people read the one and search for the other. */
export const Coded = ({ text, code }: { text: string; code: string | null }) => (
  <>
    <Marked text={text} /> {code !== null && <code class="code apart">{code}</code>}
  </>
);

/** A time as its distance from now; exactly when pointed at. */
export const When = ({ time }: { time: string }) => {
  const now = useNow();
  const at = Date.parse(time);
  if (Number.isNaN(at)) return <bdi>{time}</bdi>;
  return (
    <time dateTime={time} title={exactTime(at)}>
      {relativeTime(at, now)}
    </time>
  );
};

/** The clock time, with the day when it is not today. */
export const Clock = ({ time }: { time: string }) => {
  const now = useNow();
  const at = Date.parse(time);
  if (Number.isNaN(at)) return <bdi>{time}</bdi>;
  return (
    <time dateTime={time} title={exactTime(at)}>
      {clockTime(at, now)}
    </time>
  );
};
