import { z } from 'zod';
import { checkPassword, endSession, openSession, type Principal, redeemLoginToken } from '#catalog/store/members.ts';
import { Fault } from '#protocol/errors.ts';
import { EnrolReply, EnrolRequest } from '#protocol/messages.ts';
import { type ApiContext, principalOf, type Routes } from './context.ts';
import { ApiError, LoginRequest, Me } from './contract.ts';
import { cookieName } from './guard.ts';
import { Limiter } from './limiter.ts';

const WINDOW_MS = 5 * 60_000;
const TRIES_PER_USER = 10;
const TRIES_PER_ADDRESS = 50;

const me = (principal: Omit<Principal, 'csrf'>, csrf: string): Me => ({
  user: { id: principal.id, email: principal.email, name: principal.name },
  organisation: { id: principal.organisationId, name: principal.organisationName },
  csrf,
});

/** Log in, log out, who am I; and the enrolment of agents, which a one-time token allows. */
export const loginRoutes = (routes: Routes, { sql, log, secure, enrol }: ApiContext): void => {
  const byUser = new Limiter(TRIES_PER_USER, WINDOW_MS);
  const byAddress = new Limiter(TRIES_PER_ADDRESS, WINDOW_MS);
  const cookie = { path: '/', httpOnly: true, sameSite: 'strict', secure } as const;

  routes.post(
    '/api/v1/login',
    {
      config: { open: true },
      schema: { tags: ['login'], body: LoginRequest, response: { 200: Me, '4xx': ApiError, '5xx': ApiError } },
    },
    async (request, reply) => {
      const { body } = request;
      const user = 'email' in body ? `user ${body.email.trim().toLowerCase()}` : undefined;
      if (!byAddress.take(request.ip) || (user !== undefined && !byUser.take(user)))
        throw new Fault('api.too_many_logins', 'Too many logins failed.');
      const member =
        'email' in body
          ? body.email.includes('\0')
            ? undefined
            : await checkPassword(sql, body.email, body.password)
          : await redeemLoginToken(sql, body.oneTimeToken);
      if (!member) {
        log.warn({ address: request.ip }, 'login refused');
        throw new Fault(
          'api.wrong_login',
          'email' in body ? 'E-mail or password is wrong.' : 'The one-time login is wrong, used or expired.',
        );
      }
      byAddress.clear(request.ip);
      if (user !== undefined) byUser.clear(user);
      const session = await openSession(sql, member);
      log.info({ member: member.id }, 'logged in');
      reply.setCookie(cookieName(secure), session.token, { ...cookie, maxAge: Math.floor(session.maxAgeMs / 1000) });
      return me(member, session.csrf);
    },
  );

  routes.post(
    '/api/v1/logout',
    { schema: { tags: ['login'], response: { 204: z.null(), '4xx': ApiError } } },
    async (request, reply) => {
      const token = request.cookies[cookieName(secure)];
      if (token !== undefined) await endSession(sql, token);
      reply.clearCookie(cookieName(secure), cookie).code(204);
      return null;
    },
  );

  routes.get('/api/v1/me', { schema: { tags: ['login'], response: { 200: Me, '4xx': ApiError } } }, async (request) => {
    const principal = principalOf(request);
    return me(principal, principal.csrf ?? '');
  });

  const enrolments = new Limiter(TRIES_PER_ADDRESS, WINDOW_MS);
  routes.post(
    '/v1/enrol',
    {
      config: { open: true },
      schema: { tags: ['agents'], body: EnrolRequest, response: { 200: EnrolReply, '4xx': ApiError, '5xx': ApiError } },
    },
    async (request) => {
      if (!enrolments.take(request.ip)) throw new Fault('api.too_many_logins', 'Too many enrolments were tried.');
      const answer = await enrol(request.body);
      if (!('refused' in answer)) return answer;
      log.warn({ address: request.ip, reason: answer.refused.message }, 'enrolment refused');
      throw new Fault('bridge.enrolment_refused', answer.refused.message, answer.refused);
    },
  );
};
