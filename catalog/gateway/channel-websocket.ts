import type { WebSocket } from 'ws';
import { LIMITS } from '#protocol/constants.ts';
import type { AgentChannel } from './channel.ts';

/** An agent at the other end of a WebSocket. */
export const webSocketChannel = (socket: WebSocket): AgentChannel => ({
  get unsentBytes() {
    return socket.bufferedAmount;
  },
  listen(listener) {
    socket.on('message', (data, isBinary) => {
      if (isBinary) listener.binary(data as Buffer);
      else listener.text(String(data));
    });
    socket.on('ping', (data) => {
      if (socket.bufferedAmount > LIMITS.unsentBytes) socket.terminate();
      else if (socket.readyState === socket.OPEN) socket.pong(data);
      listener.activity();
    });
    socket.on('pong', () => listener.activity());
    // ws closes by itself (1009 for size, 1002 for broken framing); `close` follows.
    socket.on('error', (error) => listener.failed(error));
    socket.on('close', () => listener.closed());
  },
  sendText: (text) => socket.send(text),
  close: (code, reason) => socket.close(code, reason),
  terminate: () => socket.terminate(),
});
