"""Every type of Provider and what notifies it: one file a platform, and this table.

To add a platform: write a module with `render(notice)`, which yields the requests, or with an async
`notify(notice, send)` where answers matter; then give it a line here, in the CRD and in docs/notification.md.
"""

from __future__ import annotations

from collections.abc import Mapping

from controllers.notification.notifiers import (
    alertmanager,
    azuredevops,
    azureeventhub,
    bitbucket,
    comments,
    datadog,
    generic,
    gitea,
    github,
    gitlab,
    googlechat,
    googlepubsub,
    grafana,
    lark,
    matrix,
    msteams,
    nats,
    opsgenie,
    otel,
    pagerduty,
    sentry,
    slack,
    telegram,
    webex,
    zulip,
)
from controllers.notification.notifiers.notice import Notify, rendered

NOTIFIERS: Mapping[str, Notify] = {
    "alertmanager": rendered(alertmanager.render),
    "azuredevops": azuredevops.notify_status,
    "azureeventhub": rendered(azureeventhub.render),
    "bitbucket": bitbucket.notify_cloud,
    "bitbucketserver": bitbucket.notify_server,
    "datadog": rendered(datadog.render),
    "discord": rendered(slack.render_discord),
    "generic": rendered(generic.render),
    "generic-hmac": rendered(generic.render_signed),
    "gitea": gitea.notify_status,
    "giteapullrequestcomment": comments.notify_gitea,
    "github": github.notify_status,
    "githubdispatch": rendered(github.render_dispatch),
    "githubpullrequestcomment": comments.notify_github,
    "gitlab": gitlab.notify_status,
    "gitlabmergerequestcomment": comments.notify_gitlab,
    "googlechat": rendered(googlechat.render),
    "googlepubsub": rendered(googlepubsub.render),
    "grafana": rendered(grafana.render),
    "lark": rendered(lark.render),
    "matrix": rendered(matrix.render),
    "msteams": rendered(msteams.render),
    "nats": nats.notify,
    "opsgenie": rendered(opsgenie.render),
    "otel": rendered(otel.render),
    "pagerduty": rendered(pagerduty.render),
    "rocket": rendered(slack.render_rocket),
    "sentry": rendered(sentry.render),
    "slack": slack.notify,
    "telegram": rendered(telegram.render),
    "webex": rendered(webex.render),
    "zulip": rendered(zulip.render),
}
"""By the Provider's spec.type."""
