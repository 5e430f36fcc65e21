// SPDX-License-Identifier: MIT
// What AGIJobs' SystemPause and its modules look like from outside: the same selectors, events and errors, written for
// tests. Recompiled and compared by a test where solc is installed.
pragma solidity 0.8.25;

contract Module {
    error EnforcedPause();
    error ExpectedPause();
    error NotOwnerOrPauser();

    event Paused(address account);
    event Unpaused(address account);

    address public owner;
    bool public paused;
    // A module that takes the call and does nothing.
    bool private deaf;

    constructor(address owner_) {
        owner = owner_;
    }

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwnerOrPauser();
        _;
    }

    function pause() external onlyOwner {
        if (paused) revert EnforcedPause();
        if (deaf) return;
        paused = true;
        emit Paused(msg.sender);
    }

    function unpause() external onlyOwner {
        if (!paused) revert ExpectedPause();
        paused = false;
        emit Unpaused(msg.sender);
    }

    function setDeaf(bool deaf_) external {
        deaf = deaf_;
    }
}

contract SystemPause {
    error NotGovernance();
    error ZeroAddress();
    error UnknownGovernanceTarget();
    error GovernanceCallFailed();

    event GovernanceUpdated(address indexed newGovernance);

    address public governance;
    Module public jobRegistry;
    Module public stakeManager;
    Module public validationModule;
    Module public disputeModule;
    Module public platformRegistry;
    Module public feePool;
    Module public reputationEngine;
    Module public arbitratorCommittee;

    constructor(address governance_) {
        governance = governance_;
    }

    modifier onlyGovernance() {
        if (msg.sender != governance) revert NotGovernance();
        _;
    }

    function setModules(Module a, Module b, Module c, Module d, Module e, Module f, Module g, Module h)
        external
        onlyGovernance
    {
        (jobRegistry, stakeManager, validationModule, disputeModule) = (a, b, c, d);
        (platformRegistry, feePool, reputationEngine, arbitratorCommittee) = (e, f, g, h);
    }

    function setGovernance(address next) external onlyGovernance {
        if (next == address(0)) revert ZeroAddress();
        governance = next;
        emit GovernanceUpdated(next);
    }

    function owner() external view returns (address) {
        return governance;
    }

    function modules() private view returns (Module[8] memory) {
        return [
            jobRegistry,
            stakeManager,
            validationModule,
            disputeModule,
            platformRegistry,
            feePool,
            reputationEngine,
            arbitratorCommittee
        ];
    }

    function pauseAll() external onlyGovernance {
        Module[8] memory all = modules();
        for (uint256 i = 0; i < 8; i++) all[i].pause();
    }

    function unpauseAll() external onlyGovernance {
        Module[8] memory all = modules();
        for (uint256 i = 0; i < 8; i++) all[i].unpause();
    }

    function executeGovernanceCall(address target, bytes calldata data)
        external
        onlyGovernance
        returns (bytes memory)
    {
        Module[8] memory all = modules();
        bool known = false;
        for (uint256 i = 0; i < 8; i++) known = known || address(all[i]) == target;
        if (!known) revert UnknownGovernanceTarget();
        (bool done, bytes memory answer) = target.call(data);
        if (!done) revert GovernanceCallFailed();
        return answer;
    }
}
