/** Words for goods on their way from one warehouse to another, and for proposals to send some. */
import { TRANSFER_RECEIPTS_MAX } from '../../domain/language.ts';
import { type ProblemWords, posting, URL } from '../problem-words.ts';

const LOOK_AT_TRANSFER = `curl ${URL}/v1/transfers/T-1`;

export const TRANSFER_WORDS = {
  'unknown-transfer': {
    title: 'No such transfer',
    cause: 'Nothing was dispatched under this id.',
    remedy: 'Check the id.',
    curl: `curl ${URL}/v1/transfers`,
  },
  'transfer-conflict': {
    title: 'This transfer id was used for another transfer',
    cause: 'A transfer id names one transfer for good (BR-006). The same id came with other content.',
    remedy: 'Use a new id for a new transfer. To repeat one, send exactly what was sent the first time.',
    curl: LOOK_AT_TRANSFER,
  },
  'transfer-ended': {
    title: 'Nothing of this transfer is on its way any more',
    cause: 'It was received in full, or what was left of it was cancelled.',
    remedy: 'Nothing is to be done for it. Goods that turn up all the same are a receipt of their own.',
    curl: LOOK_AT_TRANSFER,
    members: { transfer: 'The transfer as it stands, in the form of GET /v1/transfers/{transferId}.' },
  },
  'exceeds-transit': {
    title: 'More arrived than is on its way',
    cause: '`received` and `rejected` together are more than what is still in transit. Nothing was changed.',
    remedy: 'Receive what was sent; count the surplus and receive it as a movement of its own.',
    curl: posting('/v1/transfers/T-1/receive', { received: 4, rejected: 1, receiptId: 'R-2' }),
    members: { inTransit: 'The units still on their way.' },
  },
  'too-many-receipts': {
    title: 'The transfer was received in too many parts',
    cause: `Each receipt leaves its name on the transfer, ${TRANSFER_RECEIPTS_MAX} at most.`,
    remedy: 'Receive all that is left at once, or cancel it, which brings it back to its source.',
    curl: LOOK_AT_TRANSFER,
  },
  'unknown-proposal': {
    title: 'No such transfer proposal',
    cause: 'No confirmation has made a proposal of this number, or the ledger has not heard of it yet.',
    remedy: 'Look it up in the list.',
    curl: `curl ${URL}/v1/transfer-proposals`,
  },
  'proposal-ended': {
    title: 'This proposal was settled before',
    cause: 'It was dismissed, or another transfer was dispatched for it.',
    remedy: 'A transfer can be dispatched without a proposal as well.',
    curl: `curl ${URL}/v1/transfer-proposals`,
    members: { proposal: 'The proposal as it stands.' },
  },
} as const satisfies Record<string, ProblemWords>;
