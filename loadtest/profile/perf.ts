/** What `perf script` says, as stacks of Redis's rooms. Refuses to know how it was recorded. */
import { type Frame, fold, type Stack } from './stacks.ts';

const KERNEL = '[kernel.kallsyms]';
const UNNAMED = '[unknown]';
const LUA_UNNAMED = 'Lua: without names';
const BRIDGE = 'redis.call: to commands and back';

/** By the name of a function; the first that matches. Others share the room of their caller. */
const FUNCTIONS: readonly (readonly [RegExp, string])[] = [
  [/^luaS_/, 'Lua: strings (interning)'],
  [
    /^(luaC_|luaM_|l_alloc|propagatemark|sweep|singlestep|reallymark|traverse|markroot|atomic|freeobj|luaF_free|luaH_free)/,
    'Lua: collector and memory',
  ],
  [
    /^(luaH_|newkey|mainposition|rehash$|resize$|setnodevector|computesizes|numusearray|getfreepos|hash_search)/,
    'Lua: tables',
  ],
  [
    /^(str_|do_match|match|max_expand|start_capture|end_capture|singlematch|push_onecapture|push_captures|classend|tconcat|luaL_|luaO_|luaB_|math_|luai_)/,
    'Lua: string and other functions',
  ],
  [
    /^(luaV_|luaD_|luaF_|luaG_|lua_|f_call|resume|callTM|Arith|index2adr|adjust_|growCI)/,
    'Lua: virtual machine',
  ],
  [
    /^(luaRedis|luaCall|luaReply|luaArgs|luaCreate|luaSet|luaMask|scriptCall|scriptVerify|scriptPrepare|scriptResetRun|redisProtocol|convertRedis|parseReply|evalsha|evalGeneric|luaExtract|callReply)/,
    BRIDGE,
  ],
  [
    /^(libc_)?(malloc|free|realloc|calloc|je_|arena_|tcache_|z(malloc|calloc|realloc|free|try)|s_malloc|rtree_|large_|extent|sdallocx|posix_memalign|_int_|cfree|malloc_usable_size)/,
    'memory (allocator)',
  ],
  [
    /^(feedAppendOnly|catAppendOnly|flushAppendOnly|alsoPropagate|propagate(Now|Pending|$)|afterCommand|afterPropagate|replicationFeed|feedReplication|aof|redis_fsync|beforeSleep$)/,
    'append-only file',
  ],
  [
    /^(dict|_dict|sds|siphash|lookupKey|db(Add|Find|Delete|Overwrite|Generic)|setKey|genericSetKey|setExpire|removeExpire|expireIfNeeded|keyIsExpired|getExpire|signalModified|touchWatched|notifyKeyspace|createObject|createStringObject|createEmbedded|createRaw|dupStringObject|tryObjectEncoding|decrRefCount|incrRefCount|getDecodedObject|activeExpire|evict|kvstore|ebuckets|hashType|lp[A-Z])/,
    'keys and objects (dict, hash, expiry)',
  ],
  [
    /^(readQuery|processInput|processMultibulk|processPendingCommand|addReply|_addReply|writeToClient|_writeToClient|handleClients|conn[A-Z]|ae[A-Z]|sendReply|prepareClient|resetClient|freeClientArgv|trimReply|afterSleep|clientsCron|afterErrorReply|setDeferred)/,
    'network',
  ],
  [
    /^(call$|processCommand|ACL|lookupCommand|getKeys|[a-z]\w*Command$|zset|zsl|zz|stream|rax|getGeneric|setGeneric|serverCron|run_with_period|updateCached|ustime|gettimeofday|__vdso|performEvictions|getMaxmemory|get(Long|Double|Unsigned|Range)\w*FromObject|parse(Extended|Add)|string2|ll2string|isObjectRepresentable)/,
    'commands',
  ],
];

/** By what the kernel was doing, whatever its functions are called. */
const KERNEL_WORK: readonly (readonly [RegExp, string])[] = [
  [
    /fsync|fdatasync|ext4|xfs_|btrfs|jbd2|blk_|submit_bio|writeback|generic_perform_write|ovl_|shmem_|f2fs|zfs/,
    'kernel: disk',
  ],
  [/sock|tcp|inet|skb|net_rx|__napi|loopback|ip_output|unix_stream/, 'kernel: network'],
  [/epoll|ep_poll|ep_send/, 'kernel: waiting (epoll)'],
];

/** @param weight of one sample @param thread whose samples count, by its name */
export function stacksOfPerf(script: string, weight: number, thread: string): Stack[] {
  const samples = script.split(/\n\s*\n/).flatMap((block) => {
    const [head = '', ...lines] = block.split('\n').filter((line) => line.trim() !== '');
    return head.trim().startsWith(thread) && lines.length > 0 ? [framesOf(lines)] : [];
  });
  return fold(samples.map((frames) => ({ frames, weight })));
}

/** @param lines "address name (file)", the innermost first */
function framesOf(lines: readonly string[]): Frame[] {
  const calls = [...lines].reverse().map((line) => {
    const [, name = UNNAMED, file = ''] = /^\s*[0-9a-f]+\s+(.*?)\s+\((.*)\)\s*$/.exec(line) ?? [];
    return {
      name: name
        .replace(/\+0x[0-9a-f]+$/, '')
        .replace(/^__GI_+/, '')
        .replace(/\.(part|constprop|isra)\.\d+.*$/, ''),
      file,
    };
  });
  const kernelNames = calls.filter(({ file }) => file === KERNEL).map(({ name }) => name);
  const kernelRoom = KERNEL_WORK.find(([pattern]) => kernelNames.some((name) => pattern.test(name)))?.[1];
  let room = 'Redis: other';
  return calls.map(({ name, file }) => {
    room = file === KERNEL ? (kernelRoom ?? 'kernel: other') : roomOfFunction(name, room);
    return { name: name === UNNAMED ? `unnamed in ${file.replace(/^.*\//, '')}` : name, room };
  });
}

/** @param around the room of the caller */
export function roomOfFunction(name: string, around: string): string {
  if (name === UNNAMED) return around.startsWith('Lua') || around === BRIDGE ? LUA_UNNAMED : around;
  return FUNCTIONS.find(([pattern]) => pattern.test(name))?.[1] ?? around;
}
