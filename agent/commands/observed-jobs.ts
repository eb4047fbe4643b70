import type { JobHandler, JobHandlers } from '#agent/bridge/job-handler.ts';
import type { JobResult, JobWatch } from '#agent/operations/job-watch.ts';
import type { JobSink } from '#agent/spool/sink.ts';
import { asFault } from '#protocol/errors.ts';

const resultOf = (error: unknown, signal: AbortSignal): JobResult => {
  if (!signal.aborted) return error === undefined ? 'ok' : 'error';
  return asFault(signal.reason).code === 'job.cancelled' ? 'cancelled' : 'interrupted';
};

const observed = (kind: string, handler: JobHandler, watch: JobWatch): JobHandler => ({
  run: async (spec, sink, context) => {
    const run = watch.begin(kind, spec.jobId, spec.connection);
    const counted: JobSink = {
      write: async (record) => {
        await sink.write(record);
        run.record(record);
      },
      flush: () => sink.flush(),
    };
    const onProgress: typeof context.onProgress = (report) => {
      run.progress(report);
      context.onProgress(report);
    };
    let failure: unknown;
    try {
      await handler.run(spec, counted, { ...context, onProgress });
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      run.ended(resultOf(failure, context.signal));
    }
  },
});

/** The same handlers, with what they do counted. */
export const observedJobs = (handlers: JobHandlers, watch: JobWatch): JobHandlers =>
  Object.fromEntries(Object.entries(handlers).map(([kind, handler]) => [kind, observed(kind, handler, watch)]));
