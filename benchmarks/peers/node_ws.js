// Node.js ws with bufferutil. Arguments: port, then optionally deflate.
'use strict';

const { WebSocketServer } = require('ws');

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: Number(process.argv[2]),
  path: '/ws/bench',
  perMessageDeflate: process.argv.includes('deflate'),
});

server.on('connection', (socket) => {
  socket.on('message', (message) => {
    const envelope = JSON.parse(message);
    const reply = JSON.stringify({ event: envelope.event, data: envelope.data });
    if (envelope.event === 'shout') {
      const bytes = Buffer.from(reply); // encoded once, not in each send
      for (const client of server.clients) {
        client.send(bytes, { binary: false });
      }
    } else {
      socket.send(reply);
    }
  });
});
