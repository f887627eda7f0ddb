export * from "./api.js";
export { NoAnswerError, ProblemError, each } from "./connection.js";
export type { Answer, CallOptions, NotModified, Page, SoukOptions } from "./connection.js";
