// What principals have used.

/** A limit; `'unlimited'` where it is lifted. */
export type Limit = number | 'unlimited';

/**
 * What a principal has used since it was first named, each beside its limit; storage is counted for good. Where a limit holds
 * for each capsule, the counter beside it sums all capsules up.
 */
export interface Usage {
  readonly principal: string;
  /** Whether its profile lets calls begin. */
  readonly enabled: boolean;
  readonly triggers: number;
  readonly hostCalls: number;
  readonly denied: number;
  readonly inFlightCalls: number;
  readonly inFlightCallsLimit: number;
  readonly timeoutSecsLimit: number;
  readonly fuel: number;
  readonly fuelThisSecond: number;
  readonly fuelPerSecondLimit: Limit;
  readonly publishedMessages: number;
  readonly publishedBytes: number;
  readonly publishedBytesThisSecond: number;
  readonly publishedBytesPerSecondLimit: Limit;
  /** Bytes its guests received from sockets. */
  readonly receivedBytes: number;
  /** Bytes its guests sent through sockets. */
  readonly sentBytes: number;
  readonly storedBytes: number;
  /** Bytes its capsules wrote to files while the host was open. */
  readonly writtenBytes: number;
  readonly storedBytesLimit: Limit;
  readonly memoryBytes: number;
  readonly memoryPeakBytes: number;
  readonly memoryLimitBytes: Limit;
  readonly instances: number;
  readonly subscriptions: number;
  readonly subscriptionsLimit: number;
  readonly pollables: number;
  readonly pollablesLimit: number;
  readonly sockets: number;
  readonly socketsLimit: number;
  readonly listeners: number;
  readonly listenersLimit: number;
  readonly udpSockets: number;
  readonly udpSocketsLimit: number;
  readonly httpStreams: number;
  readonly httpStreamsLimit: number;
  readonly fileHandles: number;
  readonly fileHandlesLimit: number;
  readonly backgroundProcesses: number;
  readonly backgroundProcessesLimit: number;
  readonly retainedProcesses: number;
  readonly retainedProcessesLimit: number;
}
