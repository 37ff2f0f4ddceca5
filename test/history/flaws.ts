/**
 * The mechanism with one part taken away: each is a flaw that the model's search must find.
 */
export const FLAWS = {
  'no-link-comparison': 'verification and carrying compare numbers only',
  'no-incarnation-check': 'a primary that no worker has verified decides',
  'role-not-checked': 'a demoted primary that still shows the verified name decides',
  'set-without-comparing':
    'the last step of a verification or rebuild compares role and name, not the control text',
  'cursor-moved-unseen': 'an epoch begins although the ledger moved after it was compared',
  'redis-before-ledger': 'Redis is opened under an epoch before the ledger has its row',
  'epoch-without-nonce': 'epochs are compared by number',
  'sequence-alone': 'the fork point is sought by sequence, not by link',
  'lower-epochs-never-adopted': 'an API adopts only higher epochs',
  'behind-not-noticed': 'the program does not compare its sequence with what the caller was answered',
  'acknowledgement-by-sequence': 'an acknowledgement is dropped when the ledger has a row of that sequence',
  'acknowledgement-by-epoch': 'an acknowledgement is judged by epochs and sequences, not by its link',
  'forks-after-emptying': 'what a rebuild discards is written down after it was discarded',
  'rebuild-instead-of-verifying': "a control at the epoch before the ledger's is rebuilt",
  'trim-without-epoch': 'a trim names a sequence and no epoch',
  'no-tail': 'the stream is trimmed up to the cursor',
  'lease-raises-nothing': 'a worker that takes the lease of an open partition goes on in its epoch',
  'quorum-at-start': 'replicas are counted when an API connects',
  'quorum-too-small': 'fewer replicas are waited for than can be promoted',
  'wait-ignores-epochs': 'the wait for the ledger looks at the sequence only',
  'repeat-waits-for-nothing': 'a batch that changed nothing is not waited for, as WAIT does since Redis 7.2',
  'deposed-ledger-rebuilds': 'a worker rebuilds a partition at an epoch that its ledger never wrote',
  'text-must-stand-still': 'a verification compares the whole control text while the partition sells',
  'fence-keeps-position':
    'the fence of a rebuild leaves sequence, link and epoch of the control as they were',
  'unguarded-fill': 'emptying and filling do not compare the fence',
} as const;

export type Flaw = keyof typeof FLAWS;
