import type { Connection } from '#config/connection/connection.ts';
import { problemPlace } from '#config/connection/problem.ts';
import { describeWay, needsPassword } from '#config/proxy.ts';
import type { CheckId } from '#protocol/checks.ts';
import type { ErrorInfo } from '#protocol/errors.ts';
import type { Problem } from '#protocol/status.ts';
import type { Check, Finding } from '../check.ts';

/** The connection that is looked at, as its file gives it. */
export interface Subject {
  /** Name of the file. */
  readonly file: string;
  /** The version in force; undefined when there is none. */
  readonly connection: Connection | undefined;
  /** What is wrong or odd in the file as it is now. Errors beside a connection: an older version is in force. */
  readonly problems: readonly Problem[];
}

const MAX_SOURCES = 4;
const OF_SECRETS = /^secrets\./;

/** Problems as details: place and message, without the first error, which the check itself says. */
const others = (problems: readonly Problem[], said: Problem | undefined): readonly string[] =>
  problems.filter((one) => one !== said).map((one) => `${problemPlace(one)}: ${one.severity}: ${one.message}`);

const faultOf = (problem: Problem, inForce: boolean): ErrorInfo => ({
  code: problem.code,
  message: `${problemPlace(problem)}: ${problem.message}${
    inForce ? ' The older version of the file is in force, and is what the checks below look at.' : ''
  }`,
  retryable: false,
  advice: problem.advice,
});

const failed = (problem: Problem, subject: Subject, problems: readonly Problem[]): Finding => ({
  status: 'fail',
  fault: faultOf(problem, subject.connection !== undefined),
  details: [
    ...(problem.excerpt === undefined ? [] : [`${problem.line ?? ''} | ${problem.excerpt.trim()}`]),
    ...others(problems, problem),
  ],
  harmless: subject.connection !== undefined,
});

const how = ({ authentication }: Connection): string => {
  switch (authentication.type) {
    case 'header':
      return `header ${authentication.header}`;
    case 'jwt':
      return 'JWT';
    case 'signed-jwt':
      return 'JWT that the agent signs itself';
    case 'ticket':
      return `ticket for ${authentication.userDirectory}\\${authentication.userId}`;
    case 'windows':
      return `Windows user ${authentication.user}`;
    case 'certificate':
      return `client certificate for ${authentication.userDirectory}\\${authentication.userId}`;
    default:
      return authentication satisfies never;
  }
};

const fileCheck = (subject: Subject): Check<unknown, CheckId> => ({
  id: 'file',
  noun: 'reading the connection file',
  needs: [],
  deadlineMs: 5_000,
  run: () => {
    const { connection, file } = subject;
    const problems = subject.problems.filter(({ code }) => !OF_SECRETS.test(code));
    const error = problems.find(({ severity }) => severity === 'error');
    if (error !== undefined) return Promise.resolve(failed(error, subject, problems));
    if (connection === undefined)
      return Promise.resolve({ status: 'pass', seen: `${file} can be read.`, details: others(problems, undefined) });
    const way = describeWay(connection.proxy, connection.origin);
    const off = connection.enabled ? '' : '; disabled, so that the agent does not crawl it';
    const [warning] = problems;
    return Promise.resolve({
      status: 'pass',
      seen: `${file}: ${connection.displayUrl}, ${how(connection)}${way === 'directly' ? '' : `, ${way}`}${off}.`,
      details: others(problems, undefined),
      ...(warning === undefined ? {} : { note: warning }),
    });
  },
});

const secretsCheck = (subject: Subject): Check<unknown, CheckId> => ({
  id: 'secrets',
  noun: 'getting the secrets',
  needs: ['file'],
  deadlineMs: 30_000,
  run: () => {
    const problems = subject.problems.filter(({ code }) => OF_SECRETS.test(code));
    const error = problems.find(({ severity }) => severity === 'error');
    if (error !== undefined) return Promise.resolve(failed(error, subject, problems));
    const found = subject.connection === undefined ? [] : secretsOf(subject.connection);
    return Promise.resolve(
      found.length === 0
        ? { status: 'pass', seen: 'The connection has no secrets.', details: others(problems, undefined) }
        : {
            status: 'pass',
            seen: `All there: ${found.join(', ')}${from(subject.connection?.outside)}.`,
            details: others(problems, undefined),
          },
    );
  },
});

/** Where they came from, as far as that is outside the file. */
const from = (outside: readonly string[] = []): string => {
  if (outside.length === 0) return '';
  const rest = outside.length - MAX_SOURCES;
  const names = outside.slice(0, MAX_SOURCES).map((name) => name.replace(/^file /, ''));
  return `; read besides the file: ${names.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
};

/** What is secret in a connection, by name. */
const secretsOf = ({ authentication, proxy }: Connection): readonly string[] => {
  const own = ((): readonly string[] => {
    switch (authentication.type) {
      case 'header':
        return ['the value of the header'];
      case 'jwt':
        return ['the token'];
      case 'signed-jwt':
        return ['the key that signs tokens'];
      case 'ticket':
      case 'certificate':
        return ['the private key of the client certificate'];
      case 'windows':
        return ['the password'];
      default:
        return authentication satisfies never;
    }
  })();
  return [...own, ...(needsPassword(proxy) ? ['the password of the proxy'] : [])];
};

/** The checks of the file itself, and of the secrets that it takes from elsewhere. */
export const fileChecks = (subject: Subject): readonly Check<unknown, CheckId>[] => [
  fileCheck(subject),
  secretsCheck(subject),
];
