/** What clients depend on that log in by a ticket, by Windows or by the form. */
import { describe, expect, it } from 'vitest';
import { Tickets } from './proxy/tickets.ts';
import { type Answered, ask, cookieOf, RawSocket, XRFKEY } from './raw-client.ts';
import { type Simulator, startSimulator } from './simulator.ts';

const small = { seed: 21, apps: 8 } as const;
const old = { ...small, profile: 'november-2021' } as const;
const websocket = (url: string): string => url.replace(/^http/, 'ws');

describe('point 9: tickets', () => {
  const request = (
    simulator: Simulator,
    { path = '/qps/ticket/ticket', key = XRFKEY, certificate = true, body = '', method = 'POST' } = {},
  ): Promise<Answered> => {
    const { directory, id } = simulator.addresses.user;
    return ask(simulator, `${simulator.addresses.ticket.serviceUrl}${path}?xrfkey=${XRFKEY}`, {
      method,
      certificate,
      headers: { 'X-Qlik-Xrfkey': key, 'Content-Type': 'application/json' },
      body: body === '' ? JSON.stringify({ UserDirectory: directory, UserId: id, Attributes: [] }) : body,
    });
  };
  const ticketOf = async (simulator: Simulator): Promise<string> => {
    const answered = await request(simulator);
    expect(answered.status).toBe(201);
    return (answered.json as { Ticket: string }).Ticket;
  };

  it('come from the proxy service to the holder of a client certificate who sends the key twice', async () => {
    await using simulator = await startSimulator(small);
    const answered = await request(simulator);
    expect(answered.json).toEqual({
      UserDirectory: 'CORP',
      UserId: 'svc_catalog',
      Attributes: [],
      Ticket: expect.stringMatching(/^[\w-]{16}$/),
      TargetUri: null,
    });
    expect((await request(simulator, { certificate: false })).status).toBe(403);
    expect((await request(simulator, { key: 'fedcba9876543210' })).status).toBe(400);
    expect((await request(simulator, { path: '/qps/nowhere/ticket' })).status).toBe(404);
    expect((await request(simulator, { body: '{"UserId":"x"}' })).status).toBe(400);
    expect((await request(simulator, { path: '/qps/other' })).status).toBe(404);
  });

  it('open one session with one request, on their own virtual proxy only', async () => {
    await using simulator = await startSimulator(small);
    const { ticket, header } = simulator.addresses;
    const value = await ticketOf(simulator);
    const elsewhere = await ask(simulator, `${header.url}/qps/csrftoken?qlikTicket=${value}`);
    expect(elsewhere.status).toBe(302);
    const first = await ask(simulator, `${ticket.url}/qps/csrftoken?qlikTicket=${value}`);
    expect(first.status).toBe(204);
    expect(cookieOf(first)).toMatch(/^X-Qlik-Session-ticket=/);
    const second = await ask(simulator, `${ticket.url}/qps/csrftoken?qlikTicket=${value}`);
    expect(second.status).toBe(302);
    const user = await ask(simulator, `${ticket.url}/qps/user`, { headers: { Cookie: cookieOf(first) } });
    expect(user.json).toMatchObject({ userId: 'svc_catalog', userDirectory: 'CORP' });
    expect(simulator.record.proxySessions.total).toBe(1);
  });

  it('open a WebSocket before November 2024; since then a session and its token must be there already', async () => {
    await using before = await startSimulator(old);
    const url = `${websocket(before.addresses.ticket.url)}/app/engineData?qlikTicket=${await ticketOf(before)}`;
    {
      await using socket = await RawSocket.open(before, url, {});
      await socket.call('EngineVersion');
      expect(socket.frames[0]?.params).toMatchObject({ userId: 'svc_catalog' });
    }
    await using stranger = await RawSocket.open(before, url, {});
    stranger.socket.send('{}');
    expect((await stranger.notification('OnAuthenticationInformation')).params).toMatchObject({
      mustAuthenticate: true,
    });
    await using after = await startSimulator(small);
    const refused = `${websocket(after.addresses.ticket.url)}/app/engineData?qlikTicket=${await ticketOf(after)}`;
    await expect(RawSocket.open(after, refused, { origin: 'https://localhost' })).rejects.toThrow('403');
  });

  it('end after a minute', () => {
    let now = 0;
    const tickets = new Tickets(() => now);
    const user = { directory: 'CORP', id: 'svc' };
    const query = (): URLSearchParams => new URLSearchParams({ qlikticket: tickets.issue(user, 'vp') });
    const [early, late] = [query(), query()];
    now = 59_999;
    expect(tickets.redeem(early, 'vp')).toEqual(user);
    now = 60_000;
    expect(tickets.redeem(late, 'vp')).toBeNull();
  });
});
