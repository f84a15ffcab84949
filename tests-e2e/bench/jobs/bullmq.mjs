// One worker of BullMQ: `node bullmq.mjs SOCKET JOBS CALLS` prints the same figures as ours.py.
import { Queue, Worker } from 'bullmq';

const [path, jobs, calls] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const connection = { path, maxRetriesPerRequest: null };
const queue = new Queue('bench', { connection, defaultJobOptions: { removeOnComplete: { count: 1000 } } });
await queue.waitUntilReady();
const now = () => performance.now();

let began = now();
for (let begin = 0; begin < jobs; begin += 500) {
  const many = Math.min(500, jobs - begin);
  await queue.addBulk(Array.from({ length: many }, () => ({ name: 'noop', data: { number: 1 } })));
}
const added = jobs / ((now() - began) / 1000);

let done = 0, finished, started, told;
const all = new Promise((resolve) => { finished = resolve; });
const worker = new Worker('bench', async (job) => {
  if (job.name === 'told') { started = now(); told(); }
}, { connection, concurrency: 100, autorun: false, removeOnComplete: { count: 1000 } });
worker.on('completed', () => { if (++done === jobs) finished(); });
await worker.waitUntilReady();
began = now();
worker.run();
await all;
const rate = jobs / ((now() - began) / 1000);

const waits = [];
for (let n = 0; n < calls; n++) {
  await new Promise((resolve) => setTimeout(resolve, 10));
  const begun = new Promise((resolve) => { told = resolve; });
  const at = now();
  await queue.add('told', {});
  await begun;
  waits.push(started - at);
}
console.log(JSON.stringify({ rate, added, waits }));
await worker.close();
await queue.close();
process.exit(0);
