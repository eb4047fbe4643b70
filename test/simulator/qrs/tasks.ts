import { hashOf } from '../model/random.ts';
import type { App, ReloadTask, Site } from '../model/types.ts';
import { type Json, type JsonObject, Refusal } from './answer.ts';
import { type Directory, NEVER, NO_GUID } from './directory.ts';
import { appCondensed } from './shapes.ts';

/** The id of the last run, made from the task's: runs are not kept apart. */
export const executionIdOf = (task: ReloadTask): string =>
  task.id.replace(/^.{8}/, hashOf(`run/${task.id}`).toString(16).padStart(8, '0'));

/** The log file of the last run; zeros when there is none. */
const logIdOf = (task: ReloadTask): string =>
  task.lastStart === null ? NO_GUID : task.id.replace(/^.{8}/, hashOf(`log/${task.id}`).toString(16).padStart(8, '0'));

const SUCCEEDED = 7;
const FAILED = 8;

/** What tasks carry of their last run, and what the short list has of every run. */
export const executionCondensed = (site: Site, task: ReloadTask): JsonObject => ({
  id: executionIdOf(task),
  executingNodeName: task.lastStart === null ? '' : 'qlikserver.corp.example',
  status: task.lastStatus,
  startTime: task.lastStart ?? NEVER,
  stopTime: task.lastStop ?? NEVER,
  duration: task.lastDurationMs,
  fileReferenceID: logIdOf(task),
  scriptLogAvailable: task.lastStart !== null,
  details: task.lastMessages.map((message, index) => ({
    id: task.id.replace(/^.{8}/, hashOf(`detail/${index}/${task.id}`).toString(16).padStart(8, '0')),
    detailsType: 2,
    message,
    detailCreatedDate: new Date(Date.parse(task.lastStart ?? task.createdDate) + index * 1_000).toISOString(),
    privileges: null,
  })),
  scriptLogLocation: task.lastStart === null ? '' : `${site.app(task.appId)?.id ?? ''}_${task.id}.log`,
  scriptLogSize: task.lastStart === null ? 0 : 4096,
  privileges: null,
});

const appOf = (site: Site, directory: Directory, task: ReloadTask): Json => {
  const app: App | undefined = site.app(task.appId);
  return app === undefined ? null : appCondensed(directory, app);
};

export const taskCondensed = (site: Site, directory: Directory, task: ReloadTask): JsonObject => ({
  id: task.id,
  operational: {
    id: executionIdOf(task),
    lastExecutionResult: executionCondensed(site, task),
    nextExecution: task.nextExecution ?? NEVER,
    privileges: null,
  },
  name: task.name,
  taskType: 0,
  enabled: task.enabled,
  taskSessionTimeout: 1440,
  maxRetries: 0,
  app: appOf(site, directory, task),
  privileges: null,
});

export const taskFull = (site: Site, directory: Directory, task: ReloadTask): JsonObject => ({
  id: task.id,
  createdDate: task.createdDate,
  modifiedDate: task.modifiedDate,
  modifiedByUserName: task.modifiedByUserName,
  customProperties: directory.customProperties(task),
  app: appOf(site, directory, task),
  isManuallyTriggered: task.nextExecution === null,
  isPartialReload: false,
  operational: {
    id: executionIdOf(task),
    lastExecutionResult: executionCondensed(site, task),
    nextExecution: task.nextExecution ?? NEVER,
    privileges: null,
  },
  name: task.name,
  taskType: 0,
  enabled: task.enabled,
  taskSessionTimeout: 1440,
  maxRetries: 0,
  tags: directory.tags(task.tagIds),
  privileges: null,
  schemaPath: 'ReloadTask',
});

export const executionFull = (site: Site, task: ReloadTask): JsonObject => ({
  createdDate: task.lastStart ?? task.createdDate,
  modifiedDate: task.lastStop ?? task.createdDate,
  modifiedByUserName: 'INTERNAL\\sa_scheduler',
  taskID: task.id,
  executionID: executionIdOf(task),
  appID: task.appId,
  executingNodeID: site.nodeId,
  ...executionCondensed(site, task),
  schemaPath: 'ExecutionResult',
});

const stamp = (iso: string): string => iso.replaceAll('-', '').replaceAll(':', '').replace('Z', '+0100');

/** The log of the last reload: every line of the script with its time, and how it ended. */
export const scriptLog = (site: Site, task: ReloadTask): string => {
  if (task.lastStart === null || site.app(task.appId) === undefined) throw new Refusal(404, 'There is no script log');
  const at = stamp(task.lastStart);
  const lines = site.content(task.appId).script.split(/\r?\n/);
  const last =
    task.lastStatus === FAILED
      ? ['Error: Connector connect error: canary-log; login failed', 'Execution Failed', 'Execution finished.']
      : task.lastStatus === SUCCEEDED
        ? ['Execution finished.']
        : [];
  return [
    `${at}      Execution started.`,
    `${at}      Qlik Sense Server reload of ${task.appId}`,
    ...lines.map((line, index) => `${at} ${String(index + 1).padStart(4, '0')} ${line}`),
    ...last.map((line) => `${at}      ${line}`),
    '',
  ].join('\r\n');
};
