"""Why a build failed. Every message names the file, with a line where one is known."""


class BuildError(Exception):
    """A build that cannot be finished. The message is one line, fit for a condition.

    `kustomization` is the file whose build failed, "" where it did not come to that.
    """

    kustomization: str = ""


class KustomizationMissing(BuildError):
    """A directory holds no kustomization file, or more than one."""


class KustomizationInvalid(BuildError):
    """A kustomization file, or another configuration, that cannot be understood."""


class FileMissing(BuildError):
    """A path leads nowhere, or to a directory where a file is wanted (or the reverse)."""


class PathForbidden(BuildError):
    """A path that leads out of what the build may read."""


class CycleFound(BuildError):
    """A kustomization includes itself, directly or through others."""


class ResourceInvalid(BuildError):
    """A file of resources that is not YAML, or holds an object without kind or name."""


class DuplicateResource(BuildError):
    """Two objects of one build have the same kind, name and namespace."""


class GeneratorFailed(BuildError):
    """A ConfigMap or Secret cannot be generated from its sources."""


class TransformFailed(BuildError):
    """A transformer or patch does not fit the objects that it is meant for."""


class PatchFailed(TransformFailed):
    """A patch that cannot be read, that finds no target, or that cannot be applied."""


class ReplacementFailed(TransformFailed):
    """A replacement whose source or target cannot be found."""


class ReferenceAmbiguous(TransformFailed):
    """A name or variable that several objects could be meant by."""


class RemoteRefused(BuildError):
    """Something on the network, where the caller did not allow it."""


class RemoteFailed(BuildError):
    """Something on the network that could not be had, or is not what it should be."""


class PluginRefused(BuildError):
    """A plugin that is not built in: Helm charts, executables, containers."""


class LimitExceeded(BuildError):
    """More files, bytes, depth, objects, operations or time than the build may use."""
