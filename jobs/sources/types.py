"""The types of sources: where each is implemented, and what it needs. Imports no client of a platform."""

from typing import NamedTuple


class SourceType(NamedTuple):
    """One type of source. `path` is `module:class`, imported on first use.

    `live`: asks a platform's API and records its answers. `past`: the platform can still be asked about past days. `secret`
    says what the connection must hold, `optional` whether the type also works without it. `terms` says why the platform's
    terms forbid its use unless an operator names an agreement. `where` shows the form of WHERE, `ask` describes what a pull
    asks in a few words.
    """

    path: str
    placed: bool = True  # needs a WHERE
    any_platform: bool = False  # reads any platform, which `@PLATFORM` or else the ID names
    live: bool = False
    past: bool = False
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
    "activitystreams": SourceType("jobs.sources.activitystreams:ActivityStreamsSource", any_platform=True),
    "bluesky": SourceType("jobs.sources.bluesky:BlueskySource", placed=False, live=True, ask="the whole network"),
    "hackernews": SourceType(
        "jobs.sources.hackernews:HackerNewsSource", placed=False, live=True, past=True, ask="the whole platform"
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
        ask="a Page's posts and their comments",
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
        secret="`ID:SECRET` of an application",
        terms="Reddit's terms forbid access without approval and derivative works without a contract",
        where="SUBREDDIT",
        ask="the newest submissions and comments of subreddits",
    ),
    "sample": SourceType("jobs.sources.sample:SampleSource", placed=False, ask="nothing: a simulation"),
}
