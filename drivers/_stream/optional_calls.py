"""The calls that only some vendors have, each called only where `Facts` claim what it is for."""

from __future__ import annotations

from .handles import Address, Handle, Partition


class OptionalCalls:
    """None of them: a vendor's table has those of its claims in their place."""

    def _unclaimed(self, fact: str) -> AssertionError:
        return AssertionError(f"{type(self).__name__} does not claim {fact}")

    # -- the host's pages (`host_registration`) ----------------------------------

    def register_host(self, address: int, size: int) -> Address:
        """Has all devices use pages of the host's: where they see them."""
        raise self._unclaimed("host_registration")

    def unregister_host(self, address: int) -> None:
        """Takes them back."""
        raise self._unclaimed("host_registration")

    # -- memory in a stream's order (`memory_pools`) -----------------------------

    def new_pool(self, ordinal: int) -> Handle:
        """A pool for `allocate_in_order`."""
        raise self._unclaimed("memory_pools")

    def end_pool(self, pool: Handle) -> None:
        """Ends one that nothing uses."""
        raise self._unclaimed("memory_pools")

    def trim_pool(self, pool: Handle) -> None:
        """Gives back what nothing uses."""
        raise self._unclaimed("memory_pools")

    def let_use_pool(self, pool: Handle, ordinal: int) -> None:
        """Lets another device use what comes from a pool."""
        raise self._unclaimed("memory_pools")

    def allocate_in_order(self, pool: Handle, size: int, stream: Handle) -> Address:
        """Memory that is there for what comes after in the stream."""
        raise self._unclaimed("memory_pools")

    def free_in_order(self, address: Address, stream: Handle) -> None:
        """Gives it back after what comes before in the stream."""
        raise self._unclaimed("memory_pools")

    # -- memory that is mapped (`exports_descriptors`) ---------------------------

    def granularity(self, ordinal: int) -> int:
        """Bytes of a piece of memory that can be shared."""
        raise self._unclaimed("exports_descriptors")

    def new_shareable(self, ordinal: int, size: int) -> Handle:
        """Memory of a device, of whole pieces, that can be exported."""
        raise self._unclaimed("exports_descriptors")

    def end_shareable(self, handle: Handle) -> None:
        """Gives it back."""
        raise self._unclaimed("exports_descriptors")

    def export_shareable(self, handle: Handle) -> int:
        """A descriptor of it, the caller's to close."""
        raise self._unclaimed("exports_descriptors")

    def import_shareable(self, descriptor: int) -> Handle:
        """The vendor's own memory by a descriptor, which stays the caller's."""
        raise self._unclaimed("exports_descriptors")

    def take_address(self, size: int) -> Address:
        """Addresses without memory."""
        raise self._unclaimed("exports_descriptors")

    def give_address(self, address: Address, size: int) -> None:
        """Gives them back."""
        raise self._unclaimed("exports_descriptors")

    def map(self, address: Address, size: int, handle: Handle) -> None:
        """Puts memory there."""
        raise self._unclaimed("exports_descriptors")

    def unmap(self, address: Address, size: int) -> None:
        """Takes it away."""
        raise self._unclaimed("exports_descriptors")

    def let_use(self, address: Address, size: int, ordinal: int) -> None:
        """Lets a device use what is mapped there."""
        raise self._unclaimed("exports_descriptors")

    # -- memory of others (`exports_descriptors`, `imports_dma_buf`) -------------

    def import_foreign(self, descriptor: int, size: int) -> Handle:
        """Another runtime's memory by a descriptor, which stays the caller's."""
        raise self._unclaimed("imports")

    def end_foreign(self, handle: Handle) -> None:
        """Gives it back."""
        raise self._unclaimed("imports")

    def map_foreign(self, handle: Handle, size: int) -> Address:
        """Where devices see it."""
        raise self._unclaimed("imports")

    def unmap_foreign(self, address: Address) -> None:
        """They see it no more."""
        raise self._unclaimed("imports")

    # -- memory for others (`exports_dma_buf`) -----------------------------------

    def export_dma_buf(self, address: Address, size: int) -> int:
        """A dma-buf descriptor of the device's own memory, the caller's to close."""
        raise self._unclaimed("exports_dma_buf")

    # -- parts of a device -------------------------------------------------------

    def new_partitions(self, ordinal: int, context: Handle, count: int) -> list[Partition]:
        """So many parts of a device; none where it cannot be divided so."""
        return []

    def end_partition(self, partition: Partition) -> None:
        """Ends one that no stream uses."""
        raise self._unclaimed("partitions")
