import { startStores } from './stores.ts';
import { openRoom } from './peers/room.ts';
import { measurePeer } from './peers/measuring.ts';
import { overHttp } from './peers/holdfast-peers.ts';
import { bareRoute } from './peers/limits.ts';
const stores = await startStores(() => {});
const room = openRoom({ stores, settings: {} as any, known: [], progress() {} });
let last = performance.now();
setInterval(() => { const now = performance.now(); if (now - last > 1000) console.log('parent blocked', Math.round(now - last)); last = now; }, 100).unref();
try {
  for (let t = 0; t < 6; t++)
  for (const peer of [overHttp, bareRoute]) {
      const a = performance.now();
      try {
      const m = await measurePeer(room, peer, { clients: 1000, skus: 1 }, { warmUpMs: 1000, measureMs: 2000 });
      console.log(peer.name, Math.round(performance.now() - a), Math.round(m.perSecond), m.p50Ms, m.p99Ms);
      } catch (e) { console.log(peer.name, Math.round(performance.now() - a), String(e)); }
  }
} finally { await room.close(); await stores.stop(); }
