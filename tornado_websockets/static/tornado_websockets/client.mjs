/** ES module of the WebSocket client: `import { TornadoWebSocket, tws } from '…/client.mjs'`. */
import './client.js';

export const { TornadoWebSocket, tws } = globalThis;
