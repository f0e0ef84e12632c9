"""The types of sources: where each is implemented, and what it needs. Imports no client of a platform."""

from typing import NamedTuple


class SourceType(NamedTuple):
    """One type of source. `path` is `module:class`, imported on first use.

    `live`: asks a platform's API and records its answers. `past`: the platform can still be asked about past days; if not, it
    answers for `memory_hours` after a day's end. `secret` says what the connection must hold, `optional` whether the type also
    works without it. `terms` says why the platform's terms forbid its use unless an operator names an agreement. `where` shows
    the form of WHERE, `ask` describes what a pull asks in a few words.
    """

    path: str
    placed: bool = True  # needs a WHERE
    any_platform: bool = False  # reads any platform, which `@PLATFORM` or else the ID names
    live: bool = False
    past: bool = False
    memory_hours: int = 0
    secret: str | None = None
    optional: bool = False
    terms: str | None = None
    where: str = "PATH"
    ask: str = "files"


TYPES = {
    "higgs": SourceType("jobs.sources.higgs:HiggsSource"),
    "gharchive": SourceType("jobs.sources.gharchive:GHArchiveSource", placed=False, ask="hourly files, downloaded"),
    "jetstream": SourceType("jobs.sources.jetstream:JetstreamSource"),
    "reddit": SourceType("jobs.sources.reddit:RedditSource"),
    "x-posts": SourceType("jobs.sources.x_posts:XPostsSource"),
    "x-archive": SourceType("jobs.sources.x_archive:XArchiveSource"),
    "facebook-export": SourceType("jobs.sources.facebook_export:FacebookExportSource"),
    "activitystreams": SourceType("jobs.sources.activitystreams:ActivityStreamsSource", any_platform=True),
    "parquet": SourceType("jobs.sources.parquet:ParquetSource", any_platform=True),
    "bluesky": SourceType(
        "jobs.sources.bluesky:BlueskySource",
        placed=False,
        live=True,
        memory_hours=36,
        secret="a token, if the server asks for one",
        optional=True,
        ask="the whole network, or chosen accounts",
    ),
    "hackernews": SourceType(
        "jobs.sources.hackernews:HackerNewsSource", placed=False, live=True, past=True, ask="the whole platform"
    ),
    "feeds": SourceType(
        "jobs.sources.feeds:FeedsSource",
        live=True,
        memory_hours=7 * 24,  # 10 to 50 entries
        where="https://example.org/feed.xml",
        ask="named feeds",
    ),
    "webmentions": SourceType(
        "jobs.sources.webmentions:WebmentionsSource",
        placed=False,
        live=True,
        past=True,
        secret="the API key of webmention.io's settings",
        where="example.org",
        ask="mentions of one's own domains",
    ),
    "stackexchange": SourceType(
        "jobs.sources.stackexchange:StackExchangeSource",
        live=True,
        past=True,
        secret="a key from stackapps.com",
        optional=True,
        where="HOST",
        ask="a whole site",
    ),
    "mediawiki": SourceType(
        "jobs.sources.mediawiki:MediaWikiSource", live=True, past=True, where="ADDRESS", ask="a whole site"
    ),
    "discourse": SourceType(
        "jobs.sources.discourse:DiscourseSource", live=True, past=True, where="ADDRESS", ask="a whole forum"
    ),
    "mastodon": SourceType(
        "jobs.sources.mastodon:MastodonSource",
        live=True,
        past=True,
        secret="an access token with the scope `read`",
        optional=True,
        where="@USER@HOST or #TAG@HOST",
        ask="accounts and hashtags of an instance",
    ),
    "github": SourceType(
        "jobs.sources.github:GitHubSource",
        live=True,
        past=True,
        secret="a token of GitHub; read access to public repositories is enough",
        optional=True,
        where="OWNER/REPO",
        ask="repositories, users, organizations",
    ),
    "gitlab": SourceType(
        "jobs.sources.gitlab:GitLabSource",
        live=True,
        past=True,
        secret="a token of GitLab with the scope read_api",
        optional=True,
        where="https://gitlab.com/GROUP/PROJECT",
        ask="projects and users of one site",
    ),
    "youtube": SourceType(
        "jobs.sources.youtube:YouTubeSource",
        live=True,
        past=True,
        secret="an API key",
        terms="YouTube's terms forbid metrics derived from its data without the derived-metrics amendment",
        where="CHANNEL",
        ask="comments on the videos of channels",
    ),
    "facebook": SourceType(
        "jobs.sources.facebook:FacebookSource",
        live=True,
        past=True,
        secret="the Page's access token",
        terms="Meta's terms forbid assessing people by its data, and a Page's data needs App Review",
        where="PAGE",
        ask="a Page's posts, their comments and reactions",
    ),
    "x": SourceType(
        "jobs.sources.x:XSource",
        live=True,
        past=True,
        secret="a bearer token",
        terms="X's terms forbid individual profiling",
        where="ACCOUNT",
        ask="posts of accounts and posts that mention them",
    ),
    "reddit-live": SourceType(
        "jobs.sources.reddit_live:RedditLiveSource",
        live=True,
        memory_hours=24,  # the newest 1,000 items; of a busy subreddit fewer hours, of a quiet one weeks
        secret="`ID:SECRET` of an application",
        terms="Reddit's terms forbid access without approval and derivative works without a contract",
        where="SUBREDDIT",
        ask="the newest submissions and comments of subreddits",
    ),
    "sample": SourceType("jobs.sources.sample:SampleSource", placed=False, ask="nothing: a simulation"),
}
