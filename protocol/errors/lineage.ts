import type { ErrorKinds } from './kind.ts';

/** What the lineage of an app lacks. None of these is a reason why anything else of the app would not be published. */
export const LINEAGE_KINDS = {
  'lineage.crashed': {
    retryable: false,
    advice: 'Everything else of the app is there. Please report the script, or the part of it that may be shown.',
  },
  'lineage.timeout': {
    retryable: false,
    advice: 'Everything else of the app is there. Please report the script, or the part of it that may be shown.',
  },
  'lineage.unavailable': {
    retryable: true,
    advice: 'Check that all files of the release lie beside the agent, and that there is memory for a second process.',
  },
  'lineage.include_unknown': {
    retryable: false,
    advice: 'Name the folder of the included scripts in paths.qvs of the connection file, so that they can be read.',
  },
  'lineage.connection_unknown': {
    retryable: false,
    advice: 'Let the user read the data connections of the site, or map the name in the mapping file.',
  },
  'lineage.columns_unknown': {
    retryable: false,
    advice:
      'Name the folders of the QVD files in paths.qvds of the connection file: their heads say what `*` stands for.',
  },
  'lineage.variable_unknown': {
    retryable: false,
    advice:
      'Give the values of these variables in the mapping file, or let the agent read the logs of reloads (paths.logs).',
  },
  'lineage.mapping_unused': {
    retryable: false,
    advice: 'Correct the names of the apps in these lines of the mapping file, or take the lines out.',
  },
  'lineage.app_unknown': {
    retryable: false,
    advice: 'Name the app by its id in BINARY, or give an edge in the mapping file.',
  },
  'lineage.nothing_kept': {
    retryable: false,
    advice: 'Run a crawl first, and let the policy allow that scripts are read and kept (scripts, keep_scripts).',
  },
  'lineage.too_large': {
    retryable: false,
    advice: 'The rest of it is there. Nothing has to be done unless the part that was left out is needed.',
  },
} as const satisfies ErrorKinds<'lineage'>;
