import type { Express } from 'express';

interface Layer {
  method?: string;
  route?: { path: string; stack: Layer[] };
  handle?: { stack?: Layer[] };
}

/** Every `get /path/{name}` that an Express app answers, its routers included, which are mounted at the root. */
export function mountedRoutes(app: Express): string[] {
  return [...new Set(routesIn((app.router as unknown as { stack: Layer[] }).stack))].sort();
}

function routesIn(stack: readonly Layer[]): string[] {
  return stack.flatMap(({ route, handle }) => {
    if (route === undefined) return routesIn(handle?.stack ?? []);
    const path = route.path.replace(/\{\*(\w+)\}/g, '{$1}').replace(/:(\w+)/g, '{$1}');
    // A layer of `.all` has no method: it is where all others end as 405.
    return route.stack.flatMap(({ method }) => (method === undefined ? [] : [`${method} ${path}`]));
  });
}
