// Focus, announcements and failures around HTMX's swaps. Every page works without this file.
(() => {
  "use strict";
  const panel = () => document.getElementById("portal-panel");
  const say = (text) => {
    const live = document.getElementById("portal-live");
    if (live && text) live.textContent = text;
  };
  const ours = (event) => event.detail?.ctx?.target?.id === "portal-panel";
  const polling = (ctx) => ctx.sourceElement?.hasAttribute("data-portal-list");

  const statuses = () =>
    new Map(
      [...document.querySelectorAll("[data-portal-status]")].map((card) => [card.id, card.dataset]),
    );
  let before = new Map();

  const announceChanges = () => {
    const changed = [];
    for (const [id, now] of statuses()) {
      const was = before.get(id);
      if (was && was !== now.portalStatus) changed.push(`${now.portalName}: ${now.portalStatus}.`);
    }
    const left = [...before.keys()].filter((id) => !document.getElementById(id));
    if (left.length) changed.push("An appointment left the list.");
    say(changed.join(" "));
  };

  const moveFocus = (ctx) => {
    const source = ctx.sourceElement;
    // A control that is still there after the swap keeps the focus: turning months, choosing a type.
    const same = source?.id && source.tagName === "A" && document.getElementById(source.id);
    const next = same || panel()?.querySelector("[data-portal-focus]");
    if (!next) return;
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  };

  document.addEventListener("htmx:before:request", (event) => {
    if (!ours(event)) return;
    const { ctx } = event.detail;
    if (polling(ctx) && document.hidden) event.preventDefault();
    before = new Map([...statuses()].map(([id, data]) => [id, data.portalStatus]));
  });

  document.addEventListener("htmx:before:response", (event) => {
    const { ctx } = event.detail;
    if (ours(event) && ctx.response.status >= 500) {
      event.preventDefault();
      if (!polling(ctx)) say("That did not work. Please try again in a moment.");
    }
  });

  document.addEventListener("htmx:error", (event) => {
    if (ours(event) && !polling(event.detail.ctx)) say("You seem to be offline. Nothing was sent.");
  });

  document.addEventListener("htmx:after:swap", (event) => {
    if (!ours(event)) return;
    const { ctx } = event.detail;
    if (polling(ctx)) announceChanges();
    else if (ctx.swap !== "outerMorph") moveFocus(ctx);
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.(".portal-errors a[href^='#']");
    const field = link && document.getElementById(link.hash.slice(1));
    if (!field) return;
    event.preventDefault();
    const control = field.matches("input, textarea, select") ? field : field.querySelector("input") || field;
    control.focus();
    field.scrollIntoView({ block: "center" });
  });

  if (document.querySelector(".portal-errors[data-portal-focus]")) {
    document.querySelector(".portal-errors").focus();
  }
})();
