import { ERROR_KINDS, type ErrorInfo } from '#protocol/errors.ts';
import { type EnrolReply, EnrolRequest } from '#protocol/messages.ts';
import type { GatewayBackend } from './backend.ts';

/** The answer to `POST /v1/enrol`, for whichever HTTP server stands in front. */
export interface EnrolmentAnswer {
  readonly status: 200 | 400 | 403;
  readonly body: EnrolReply | ErrorInfo;
}

/** @param body the parsed JSON of the request */
export const answerEnrolment = async (backend: GatewayBackend, body: unknown): Promise<EnrolmentAnswer> => {
  const request = EnrolRequest.safeParse(body);
  if (!request.success) {
    const { retryable, advice } = ERROR_KINDS['bridge.protocol'];
    return {
      status: 400,
      body: { code: 'bridge.protocol', message: 'This is no enrolment request', retryable, advice },
    };
  }
  const reply = await backend.enrol(request.data);
  return 'refused' in reply ? { status: 403, body: reply.refused } : { status: 200, body: reply };
};
